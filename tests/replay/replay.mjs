// Judges exported histories: replay.mjs --dvtsim PROGRAM [--least N] [--missing FEATURE=WHY]... DIR... Each DIR holds
// histories/*.json (`dvtsim export temporal-history --all`), known.json (what run.db says of the runs) and scenario.yaml
// (as `dvtsim run --out` resolved it). Every history goes through the real SDK's replayer, the comparison, the lint, the
// wire form, the chain's rules and dvtsim's own checker; then broken copies of accepted ones must each be rejected by at
// least one of them. Prints three tables, writes result.json and checks.tsv (a line a check, for tests/tally.py) to the
// working directory; exits 1 when anything is not as it must be.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { parse } from 'yaml';

import { judgeChain } from './chain.mjs';
import { check as ownCheck } from './checker.mjs';
import { compare } from './compare.mjs';
import { features, featuresOf } from './features.mjs';
import { groupBy } from './history.mjs';
import { lint } from './lint.mjs';
import { mutants } from './mutants.mjs';
import { replayAll, versions } from './sdk.mjs';
import { offWire } from './wire.mjs';

const kLeastHistories = 300;
const kLeastPerFeature = 5;
const kCopiesPerMutant = 3;

let dvtsim = 'dvtsim';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** {name, runId, chain, json, known, activityOptions} of every exported execution of a directory. */
function load(dir) {
  const scenario = parse(readFileSync(join(dir, 'scenario.yaml'), 'utf8'));
  const activityOptions = scenario.topology?.activityOptions ?? {};
  const bySize = Object.keys(activityOptions).find((key) => key.includes('/'));
  if (bySize) throw new Error(`${dir}: activityOptions.${bySize}: sizes stand in no history; use kinds`);
  const known = new Map();
  for (const row of readJson(join(dir, 'known.json'))) {
    const run = known.get(row.run_id) ?? { outcome: row.outcome, executions: {} };
    run.executions[row.chain] = row.events;
    known.set(row.run_id, run);
  }
  return readdirSync(join(dir, 'histories'))
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const [, runId, chain] = /^(.+)\.(\d+)\.json$/.exec(file) ?? [];
      if (runId === undefined) throw new Error(`${dir}/histories/${file}: expected RUNID.N.json`);
      const path = join(dir, 'histories', file);
      return { name: `${basename(dir)}/${runId}.${chain}`, runId, chain: Number(chain), dir, path, known: known.get(runId), activityOptions };
    })
    .sort((a, b) => (a.runId < b.runId ? -1 : a.runId > b.runId ? 1 : a.chain - b.chain));
}

const chainKey = (item) => `${item.dir} ${item.runId}`;

/** Verdicts on items: Map name → {replayer, comparison, lint, wire, chain, checker}, lists of texts. */
async function judge(items, chainsOf) {
  const verdicts = new Map();
  const loaded = items.map((item) => ({ ...item, json: item.json ?? readJson(item.path) }));
  const byName = new Map(loaded.map((item) => [item.name, item]));
  for await (const { name, error, recording } of replayAll(loaded)) {
    const item = byName.get(name);
    verdicts.set(name, {
      replayer: error ? [String(error.message ?? error)] : [],
      comparison: compare(item.json, recording, item.activityOptions),
      lint: lint(item.json),
      wire: offWire(item.json),
      chain: [],
    });
  }
  for (const [executions, known, blamed] of chainsOf(byName)) {
    let problems;
    try {
      problems = judgeChain(executions, known);
    } catch (error) {
      problems = new Map(executions.map(({ name }) => [name, [`unreadable: ${error.message}`]]));
    }
    for (const [name, texts] of problems) verdicts.get(blamed ?? name).chain.push(...texts);
  }
  for (const [name, texts] of ownCheck(dvtsim, loaded)) verdicts.get(name).checker = texts;
  return verdicts;
}

function* wholeChains(byName) {
  const chains = groupBy([...byName.values()], chainKey);
  for (const list of chains.values()) yield [list, list[0].known];
}

const judges = ['replayer', 'comparison', 'lint', 'wire', 'chain', 'checker'];
const accepted = (verdict) => judges.every((judge) => verdict[judge].length === 0);

function table(title, head, rows) {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => String(row[column]).length)));
  const line = (cells) => cells.map((cell, column) => (typeof cell === 'number' ? String(cell).padStart(widths[column]) : String(cell).padEnd(widths[column]))).join('  ').trimEnd();
  console.log([`\n${title}`, line(head), ...rows.map(line)].join('\n'));
}

async function main(args) {
  const missing = new Map(); // feature → why no scenario can show it yet
  let least = kLeastHistories;
  const dirs = [];
  for (let i = 0; i < args.length; ++i) {
    if (args[i] === '--missing') {
      const [name, why] = args[++i].split('=');
      if (!(name in features)) throw new Error(`--missing ${name}: no such feature`);
      missing.set(name, why);
    } else if (args[i] === '--least') least = Number(args[++i]);
    else if (args[i] === '--dvtsim') dvtsim = args[++i];
    else dirs.push(args[i]);
  }
  const demanding = least > 0;
  const items = dirs.flatMap(load);
  const verdicts = await judge(items, wholeChains);
  const checks = []; // {outcome, name, why}
  const check = (name, problems) => checks.push({ outcome: problems.length === 0 ? 'passed' : 'failed', name, why: problems });

  const shown = new Map(Object.keys(features).map((name) => [name, []]));
  const perDir = new Map();
  for (const [dir, list] of groupBy(items, (item) => item.dir)) {
    const row = { histories: list.length, accepted: 0, events: 0 };
    const problems = [];
    for (const item of list) {
      const verdict = verdicts.get(item.name);
      const json = readJson(item.path);
      row.events += json.events.length;
      if (accepted(verdict)) {
        row.accepted += 1;
        for (const name of featuresOf(json)) shown.get(name).push(item.name);
      }
      for (const judge of judges) problems.push(...verdict[judge].map((text) => `${item.name}: ${judge}: ${text}`));
    }
    perDir.set(basename(dir), row);
    check(`histories of ${basename(dir)}`, problems);
  }
  const sum = (key) => [...perDir.values()].reduce((all, row) => all + row[key], 0);
  table('Histories accepted by all judges', ['scenario', 'histories', 'accepted', 'events'], [
    ...[...perDir].map(([name, row]) => [name, row.histories, row.accepted, row.events]),
    ['all', sum('histories'), sum('accepted'), sum('events')],
  ]);
  check('number of histories', sum('accepted') < least ? [`${sum('accepted')} were accepted, ${least} are wanted`] : []);

  for (const [name, list] of shown) {
    if (missing.has(name) && list.length === 0) checks.push({ outcome: 'skipped', name: `feature: ${name}`, why: [missing.get(name)] });
    else if (missing.has(name)) check(`feature: ${name}`, ['is listed as missing and is there']);
    else if (demanding) check(`feature: ${name}`, list.length < kLeastPerFeature ? [`${list.length} histories, ${kLeastPerFeature} are wanted`] : []);
  }
  table('What they show', ['feature', 'histories', 'for example'], [...shown].map(([name, list]) => [name, list.length, list.length === 0 ? missing.get(name) ?? '' : list[0]]));

  const broken = await breakCopies(items.filter((item) => accepted(verdicts.get(item.name))), shown);
  const rows = [];
  for (const [name, copies] of broken) {
    const by = judges.map((judge) => copies.filter(({ verdict }) => verdict[judge].length > 0).length);
    const escaped = copies.filter(({ verdict }) => accepted(verdict)).map(({ name: of }) => `a copy of ${of} is accepted`);
    rows.push([name, copies.length, ...by, escaped[0] ?? '']);
    if (copies.length > 0 || demanding) check(`broken: ${name}`, copies.length > 0 ? escaped : ['applies to no history']);
  }
  table('Broken copies, and who rejects them', ['broken by', 'copies', ...judges, ''], rows);

  const failures = checks.filter(({ outcome }) => outcome === 'failed').flatMap(({ name, why }) => why.map((text) => `${name}: ${text}`));
  const result = {
    versions: versions(),
    histories: sum('histories'),
    accepted: sum('accepted'),
    events: sum('events'),
    scenarios: Object.fromEntries(perDir),
    features: Object.fromEntries([...shown].map(([name, list]) => [name, { histories: list.length, missing: missing.get(name) }])),
    broken: Object.fromEntries([...broken].map(([name, copies]) => [name, copies.map(({ name: of, verdict }) => ({ of, ...verdict }))])),
    failures,
  };
  writeFileSync('result.json', `${JSON.stringify(result, null, 1)}\n`);
  writeFileSync('checks.tsv', checks.map(({ outcome, name, why }) => `${outcome}\t${name}\t${(why[0] ?? '').replace(/\s+/g, ' ')}\n`).join(''));
  console.log(`\n${failures.length === 0 ? 'PASSED' : 'FAILED'}: ${result.accepted} of ${result.histories} histories accepted, ${rows.filter(([, n]) => n > 0).length} ways to break them, @temporalio/worker ${result.versions.worker}, node ${result.versions.node}`);
  for (const failure of failures.slice(0, 40)) console.log(`  ${failure.slice(0, 600)}`);
  if (failures.length > 40) console.log(`  and ${failures.length - 40} more in result.json`);
  return failures.length === 0 ? 0 : 1;
}

/** Map mutant name → [{name, verdict}]: some copies of accepted histories, broken that way, and what is said of them. */
async function breakCopies(good, shown) {
  // One history of each feature first, then the others: the copies come from different kinds of runs.
  const order = [...new Set([...[...shown.values()].flatMap((list) => list.slice(0, 1)), ...good.map(({ name }) => name)])];
  const byName = new Map(good.map((item) => [item.name, item]));
  const chains = groupBy(good, chainKey);
  const copies = [];
  for (const [mutant, apply] of Object.entries(mutants)) {
    let made = 0;
    for (const name of order) {
      if (made === kCopiesPerMutant) break;
      const item = byName.get(name);
      const json = apply(readJson(item.path));
      if (json === undefined) continue;
      made += 1;
      copies.push({ ...item, name: `${mutant}: ${name}`, of: name, mutant, json });
    }
  }
  const verdicts = await judge(copies, function* chainsOf() {
    for (const copy of copies)
      yield [[copy, ...(chains.get(chainKey(copy)) ?? []).filter(({ name }) => name !== copy.of).map((other) => ({ ...other, json: readJson(other.path) }))], copy.known, copy.name];
  });
  const result = new Map(Object.keys(mutants).map((name) => [name, []]));
  for (const copy of copies) result.get(copy.mutant).push({ name: copy.of, verdict: verdicts.get(copy.name) });
  return result;
}

process.exit(await main(process.argv.slice(2)));
