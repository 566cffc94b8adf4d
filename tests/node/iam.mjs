// Runs calls of AWS's SDK for JavaScript: reads a JSON array of [operation, input] from standard input, and writes a JSON
// array of outputs and errors. `paginate` before an operation follows its pages.
import * as iam from "@aws-sdk/client-iam";
import { readFileSync } from "node:fs";

const client = new iam.IAMClient({ maxAttempts: 1 });

async function call(operation, input) {
  const paginate = iam[operation];
  if (!operation.startsWith("paginate")) return client.send(new iam[`${operation}Command`](input));
  const pages = [];
  for await (const page of paginate({ client }, input)) pages.push(page);
  return { pages };
}

function plain(output) {
  if (output.pages) return { pages: output.pages.map(plain) };
  const { $metadata, ...members } = output;
  if ($metadata.httpStatusCode !== 200 || !$metadata.requestId) throw new Error(`unexpected metadata ${JSON.stringify($metadata)}`);
  return members;
}

const answers = [];
for (const [operation, input] of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    answers.push(plain(await call(operation, input)));
  } catch (error) {
    if (!(error instanceof iam.IAMServiceException)) throw error;
    const { name, message, $fault, $metadata } = error;
    const type = error.constructor.name;
    answers.push({ error: { name, type, message, fault: $fault, status: $metadata.httpStatusCode } });
  }
}
process.stdout.write(JSON.stringify(answers));
