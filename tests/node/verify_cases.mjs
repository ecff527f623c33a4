// The verifier of clients/node on cases from standard input, a JSON array of [what, …arguments]; an answer for each:
// true, or the sentence that refused it. Hashes are hexadecimal.
import fs from "node:fs";
import * as verifier from "../../clients/node/verify.mjs";

const hex = (text) => Buffer.from(text, "hex");
const tree = ({ origin, size, root }) => ({ origin, size: BigInt(size), root: hex(root) });
const cases = {
  inclusion: (leaf, index, size, path, root) => verifier.verifyInclusion(hex(leaf), index, size, path.map(hex), hex(root)),
  consistency: (older, newer, path) => verifier.verifyConsistency(tree(older), tree(newer), path.map(hex)),
  checkpoint: (note, key) => verifier.openCheckpoint(note, verifier.parseKey(key, 1)),
  quorum: (note, key, policy) => verifier.verifyQuorum(note, verifier.parseKey(key, 1), verifier.parseQuorum(policy)),
  policy: (policy) => verifier.parseQuorum(policy),
  record: (record, key) => verifier.verifyRecord(record, key),
  receipt: (receipt, digest, key) => verifier.verifyReceipt(receipt, hex(digest), key),
};
const answers = JSON.parse(fs.readFileSync(0, "utf8")).map(([what, ...given]) => {
  try {
    cases[what](...given);
    return true;
  } catch (fault) {
    if (!(fault instanceof verifier.NotProven)) throw fault;
    return fault.message;
  }
});
process.stdout.write(JSON.stringify(answers));
