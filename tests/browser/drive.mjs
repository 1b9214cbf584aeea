// Drives the admin page in Chromium: once with script, where axe-core judges every page, once without, once by keyboard alone.
// `run` installs what it needs; SASLGATE names the binary, SCREENSHOTS a folder for pictures of every page.

import { keyboard } from './keyboard.mjs';
import * as scenes from './scenes.mjs';
import { Stage } from './stage.mjs';
import { report, Visitor } from './visitor.mjs';

const ALL = [
  'login', 'overview', 'accounts', 'signInByRedirect', 'test', 'signOut', 'signInByCode', 'signInByLink', 'reload', 'strangePlaces', 'logout',
];
const begun = Date.now();
let bad = 0;

async function pass(name, script, chosen) {
  let stage;
  let operator;
  try {
    stage = await Stage.start();
    operator = await Visitor.arrive(stage, { script });
    for (const [scene, play] of chosen) {
      await play(operator, stage, script);
      console.log(`ok   ${name}: ${scene}`);
    }
    await operator.leave();
  } catch (error) {
    bad += 1;
    console.log(`BAD  ${name}: ${error.stack}\n     at ${operator?.page.url()}`);
    console.log(((await operator?.page.locator('body').innerText().catch(() => '')) ?? '').slice(0, 2000));
    await operator?.leave().catch((error) => console.log(`     and ${error.message}`));
  } finally {
    await stage?.end();
  }
}

function judge() {
  const count = (impact) => report.violations.filter((violation) => violation.startsWith(impact)).length;
  report.violations.forEach((violation) => console.log(`     ${violation}`));
  const impacts = ['critical', 'serious', 'moderate', 'minor'].map((impact) => `${count(impact)} ${impact}`);
  const found = report.violations.length;
  console.log(`${found ? 'BAD ' : 'ok  '} axe-core: ${report.pages.size} pages, each light and dark (${report.looks} looks), ${report.rules.size} rules that applied: ${impacts.join(', ')}`);
  const unsure = [...report.unsure].map(([rule, times]) => `${rule} ${times}`);
  console.log(`     left to a person: ${unsure.join(', ') || 'nothing'}`);
  bad += found;
  if (report.pages.size < 25) {
    console.log(`BAD  only ${report.pages.size} pages`);
    bad += 1;
  }
}

const whole = ALL.map((name) => [name, scenes[name]]);
await Promise.all([
  pass('with script', true, whole),
  pass('without script', false, whole),
  pass('keyboard', true, [['login to logout', keyboard]]),
]);
judge();
console.log(`${bad ? 'BAD ' : 'ok  '} in ${Math.round((Date.now() - begun) / 1000)} s`);
process.exit(bad ? 1 : 0);
