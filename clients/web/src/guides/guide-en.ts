import type { Guides } from "./shapes";

const START =
  "First time: two key administrators each hand you half of a code. Enter both under «Enrolment code, in full», press «Enrol a passkey» and confirm with finger, face or PIN. Each shift: «Sign in with a passkey»; it holds for eight hours at most, and «Sign out» ends it at once.";
const PURPOSE = "What you see of others depends on «Purpose, which you sign». Every reading is logged with it, and the owners of the records read the log.";
const LOST = "A device is lost, or a code is known to somebody else: tell a key administrator at once, who ends all your sign-ins.";

const guides: Guides = {
  reporter: {
    name: "Border officer",
    purpose: "File a seizure from your post in less than ninety seconds, with or without a link, and read what it led to.",
    steps: [
      START,
      "Open «Report a seizure». «When» stands at now. For the place choose the «Crossing point», press «Where I am», or press «On the map» and bring the place under the cross.",
      "Write the «Substance, by any name»: slang will do, in any alphabet. Choose what is found, or leave your own words; they are kept as they are.",
      "Enter «Quantity, in your own unit», «How sure» you are, «Transport» and «Concealment». «Handling» says how far the report may go; leave it unless your orders say otherwise.",
      "Read «Before you sign»: what is wrong, how many kilograms it counts as, whether the seizure is reported already, and under «As a neighbour will see it» what your country's policy gives of it.",
      "Press «Sign and file». «Accepted»: the service has it and signed a receipt. «Waits for the link»: it is kept on this device and sent by itself; do not file it twice. «Refused»: read why, and file it anew.",
      "«Save the receipt» keeps the proof as a file; «Check the receipt» shows whether the log holds your report.",
      "Later, under «Seizures», open your report: «Correct it» files a new version, with exhibit number, account and photographs; «Withdraw it» takes it back and says why.",
      "The «Inbox» tells what it led to: a laboratory's result, a link, an alert, a question. Open it, act, and press «Taken note of».",
    ],
    pictures: [
      ["reporter-form", "The report, checked before it is signed"],
      ["reporter-filed", "Filed, with its receipt"],
      ["reporter-inbox", "What it led to"],
    ],
    remember: ["No names of persons: not in the account, not on a photograph.", LOST, PURPOSE],
  },
  laboratory: {
    name: "Chemist",
    purpose: "Enter what you found so that it holds in court, have it reviewed, and compare it with what others found.",
    steps: [
      START,
      "«Laboratory» begins with «Enter an analysis». «Pending exhibits» lists what officers sent you: open one, and its number stands in the form.",
      "Enter exhibits, techniques and findings; tick what each finding rests on. «What the evidence amounts to» judges it by SWGDRUG while you write: «This claims more than the evidence bears» must be gone before you go on.",
      "For a content give value, basis and uncertainty. Without it the service accepts the figure, and says «look again».",
      "Under «Spectra» drop a file: JCAMP-DX, MSP, MassBank or mzML. You see a mirror plot with each candidate. «No confident candidate» is an answer too: ring isomers look alike, and a likeness is no identification.",
      "Choose the reviewer's key and press «Fix it for review». Under «Four eyes» save the draft for your colleague, who reads it in another browser, presses «I have read it: countersign» and hands the review back.",
      "Take the review in: the analysis is filed at once. «Save the receipt» keeps the proof. Under «Our analyses» it is corrected by a new version or withdrawn.",
      "Many at once: «From a spreadsheet». Every row is judged before any is sent.",
      "«Links to confirm» shows records that may belong together, with reasons: «They belong together» or «They do not». «Structures» draws a SMILES and names the closest controlled substances; «Listings compared» shows who controls what.",
    ],
    pictures: [
      ["laboratory-enter", "An analysis, judged while it is written"],
      ["laboratory-spectra", "Candidates for a spectrum"],
    ],
    remember: ["An unknown stays an unknown: register it, and resolve it later.", LOST, PURPOSE],
  },
  analyst: {
    name: "Analyst",
    purpose: "Ask one question of all that is shared with your country, see where silence is silence, and ask an owner for more.",
    steps: [
      START,
      "Choose «Purpose, which you sign» first: it decides what you are given. The same question for another purpose may have another answer.",
      "«Trends» shows one question from all sides. Press a substance, a country, a month or a cell of the map: everything else follows. «Over it» lays routes, hot spots, alerts or confirmed links over the map; from near, points lead to their records. «Let everything go» begins anew. The address holds the whole question: send it to a colleague, who sees it with their own eyes.",
      "Three silences look different: a country that shares nothing with you, one that shares and has said nothing, and one that reported that there was nothing. Kilograms converted by rule are told apart from those weighed.",
      "Every figure stands «As a table» too. «Data and question» saves it as CSV, or as a picture with its query and the version of the policies.",
      "«Save for my agency» keeps the question for your colleagues.",
      "«Seizures» lists the records behind the figures. A record shows what you are given, and what not: tick it, write why, and press «Sign and ask». The answer comes to your «Inbox».",
      "«Alerts»: judge what a rule found for you, raise it or dismiss it with a reason. Of an alert that reaches you: «Acknowledge for my country», and say what came of it.",
      "«Links to confirm», under «Laboratory», shows records that may be one event or one batch. A link holds when both parties have said so.",
    ],
    pictures: [
      ["analyst-trends", "One question from all sides"],
      ["analyst-record", "A record as its owner allows it, and a question for more"],
    ],
    remember: ["Small counts of others are rounded or left out on purpose.", "Obligations stand beside the record: ask before you hand it on.", PURPOSE],
  },
  policy_officer: {
    name: "Policy officer",
    purpose: "Decide what your country shares, with whom, how exactly and for what; see who read it; stop it at once.",
    steps: [
      START,
      "«Policy» shows what is in force, in plain words beside the signed document. What no rule shares is not shared.",
      "Under «Drafts» name a draft and press «Begin from what is in force». «Add a rule»: countries, agencies, roles, purposes, parts of a record, «Time, how exactly», «Place, how exactly», duties.",
      "Press «Save and check»: you read what it says and what it changes.",
      "«Try it: preview and simulate»: «Preview» shows your records exactly as a given agency would get them; «Simulate» counts who would gain or lose what.",
      "«Sign and propose to a second officer». The second officer reads the difference and presses «Approve with my passkey»: the passkey signs the hash of this document and of no other.",
      "«Stop sharing»: choose towards whom, give a reason, press «Stop now». It holds from the next request on; what was read stays read. A colleague undoes it.",
      "«Who read our records» lists every reading: when, who, for what purpose, which records.",
      "The «Inbox» holds what others ask: open it, then «Sign and give» all or a part for some days, or «Sign and refuse» with the ground.",
    ],
    pictures: [
      ["policy-try", "A draft, tried before it is proposed"],
      ["policy-statement", "Who read our records"],
    ],
    remember: ["Two officers share, one alone stops.", "A grant of one record is told to every policy officer of your country.", LOST],
  },
  key_administrator: {
    name: "Administrator",
    purpose: "Let the right officers and systems in, two administrators at a time, and put anybody out at once.",
    steps: [
      START,
      "«Officers»: under «Propose an officer» enter agency, a handle of the post (never a name) and roles. Another administrator presses «Approve».",
      "Each of two administrators presses «New code» and hands over one half, in person or by telephone. Both halves together enrol one passkey, within a day.",
      "An officer leaves, or a device is lost: open «End this officer's access», give the reason, press «End now». All sign-ins of that officer end with the next request.",
      "A new passkey: issue a new code. What the officer is signed in with ends when it is enrolled.",
      "«Agencies and keys»: «Propose an agency», or «Propose keys» for a system that submits by itself: paste all that `sarhad keys request` printed there. The secret key never leaves its holder.",
      "Ending a key needs no second: open «End this key», give the reason, press «End now». Records signed before stay valid.",
      "Look at what waits for a second administrator every day; a proposal that nobody expects is a warning.",
      "«Coverage and timeliness»: under «Who has reported» see which agencies filed nothing in a month, and under «How long each stage takes» where records wait. Press an agency, or a stage, for its months.",
    ],
    pictures: [
      ["key_administrator-people", "Officers, and half a code"],
      ["key_administrator-registry", "Agencies and keys"],
    ],
    remember: ["Never hand over both halves of a code.", "Give each person only the roles of the post.", "Every change is a leaf of the governance log, which every member reads."],
  },
  auditor: {
    name: "Auditor",
    purpose: "See whether your country's records were read as its policy says, and keep proof of it.",
    steps: [
      START,
      "«Who read our records» lists every reading of your country's records: when, which agency, for what purpose, in which case, which records.",
      "«Policy» shows what is in force in plain words; under «Versions» every version that was proposed, who decided, and what one changes against another.",
      "Compare: a reading that no rule of that day allowed is a finding. Write down its time, agency and the first letters of its records.",
      "«Stop sharing» shows every stop there was, its reason, and when sharing went on.",
      "For proof beyond the page use the command line: `sarhad statement --verify` lists the readings and proves that they are in the log, `sarhad verify` checks a record and its receipt offline.",
    ],
    pictures: [["auditor-policy", "Versions of the policy"]],
    remember: ["Your own reading of the log is logged too.", "You see no content of records: that is not your role."],
  },
};

export default guides;
