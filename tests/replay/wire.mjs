// The SDK's reader ignores what it does not know: a misspelt field is no error to it. So a history is sent through
// Temporal's own protobuf schema and back, and every member must survive with its value.
import protoUtils from '@temporalio/common/lib/proto-utils.js';

import { instant } from './history.mjs';

function* leaves(value, path = '') {
  if (value === null || typeof value !== 'object') return yield [path, value];
  const entries = Object.entries(value);
  if (entries.length === 0) yield [path, undefined]; // an empty message: its presence is all there is
  for (const [name, member] of entries) yield* leaves(member, `${path}/${name}`);
}

const at = (value, path) => path.split('/').slice(1).reduce((inner, name) => inner?.[name], value);

/** Members that Temporal's schema does not know or reads differently, as text. */
export function offWire(json) {
  let back;
  try {
    back = JSON.parse(protoUtils.historyToJSON(protoUtils.historyFromJSON(json)));
  } catch (error) {
    return [`unreadable: ${error.message}`];
  }
  const problems = [];
  for (const [path, value] of leaves(json)) {
    const read = at(back, path);
    const same =
      value === undefined
        ? read !== undefined
        : path.endsWith('/eventTime')
          ? read !== undefined && instant(read) === instant(value)
          : read === value;
    if (!same) problems.push(`${path.slice(1)} is ${JSON.stringify(value ?? {})}, Temporal's schema reads ${JSON.stringify(read)}`);
  }
  return problems;
}
