"""The Sarhad profile of RFC 9421: the few choices that make a signature mean one thing only."""

LABEL = "sig"  # of the agency's signature on a request
RESPONSE_LABEL = "sarhad"  # of the service's signature on a response
TAG = "sarhad-1"  # binds a signature to this profile (RFC 9421 §2.3, §7.2.7)

MAX_AGE = 300  # seconds between `created` and now, and between `created` and `expires`
SKEW = 30  # seconds that two honest clocks may differ
MAX_SIGNATURES = 4  # intermediaries may add theirs; nobody needs more
MAX_COMPONENTS = 16
MAX_HEADER_BYTES = 16_384  # Signature and Signature-Input together, before anything is parsed
NONCE = r"[A-Za-z0-9_-]{22,128}={0,2}"  # base64url of at least 128 bits

ALWAYS = ("@method", "@authority", "@target-uri")
WITH_BODY = ("content-type", "content-digest")
PURPOSE = "sarhad-purpose"
PARAMETERS = ("created", "expires", "nonce", "keyid", "alg", "tag")
# Field lines that carry meaning for us: two of them would let two readers see two different requests.
SINGLE = frozenset(
    {b"host", b"content-type", b"content-digest", b"content-length", b"transfer-encoding", b"sarhad-purpose", b"range"}
)
