// An OpenID Connect provider on loopback, in which everybody is whom they say: provider.mjs PORT REDIRECT_URI [SECRET]
import Provider from "oidc-provider";

const [port, redirect, secret] = process.argv.slice(2);
const proven = secret ? { client_secret: secret, token_endpoint_auth_method: "client_secret_basic" } : { token_endpoint_auth_method: "none" };
const client = { client_id: "sarhad", redirect_uris: [redirect], response_types: ["code"], grant_types: ["authorization_code"], application_type: "native", ...proven };
new Provider(`http://127.0.0.1:${port}`, { clients: [client] }).listen(Number(port), "127.0.0.1", () => console.log("ready"));
