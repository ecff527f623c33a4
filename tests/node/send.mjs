// Sends exactly the headers given, with node's own HTTP client.
import crypto from "node:crypto";
import http from "node:http";

export const digest = (body) => `sha-256=:${crypto.createHash("sha256").update(body).digest("base64")}:`;

export const exchange = (job, headers) =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(job.origin);
    const request = http.request({ hostname, port, method: job.method, path: job.target, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const raw = response.rawHeaders;
        const lines = raw.flatMap((name, at) => (at % 2 ? [] : [{ name, value: raw[at + 1] }]));
        resolve({ status: response.statusCode, headers: response.headers, lines, body: Buffer.concat(chunks) });
      });
    });
    request.on("error", reject);
    request.end(job.body);
  });
