// An operator without a mouse: Tab reaches everything that can be used, in the order in which it is read, one sees where one is,
// and Enter does it.

import assert from 'node:assert/strict';

import { PASSWORD } from './stage.mjs';

const USABLE = 'a[href], button, summary, input:not([type=hidden]), textarea, [tabindex="0"]';
// Nothing on a page is further away than that.
const MOST = 200;

export async function keyboard(operator, stage) {
  const alice = stage.person('alice');
  await operator.opens('/');
  await operator.isAt('Log in');
  // The field has the focus already.
  await operator.page.keyboard.type(PASSWORD);
  await operator.page.keyboard.press('Enter');
  await operator.isAt('Accounts');
  await reachesAll(operator);
  await skips(operator);
  await goesTo(operator, alice);
  await operator.page.keyboard.press('Enter');
  await operator.isAt(alice);
  await reachesAll(operator);
  await goesTo(operator, 'Sign in');
  await operator.page.keyboard.press('Enter');
  await operator.isAt('Signed in');
  await reachesAll(operator);
  await goesTo(operator, 'Back to the account');
  await operator.page.keyboard.press('Enter');
  await operator.isAt(alice);
  await goesTo(operator, 'Test');
  await operator.page.keyboard.press('Enter');
  await operator.hears('status', /Done: everything works/);
  await reachesAll(operator);
  await operator.readsAccount(alice);
  await goesTo(operator, 'Make a link');
  await operator.page.keyboard.press('Enter');
  await operator.isAt('A link to sign in by');
  await reachesAll(operator);
  await operator.readsAccount(alice);
  await goesTo(operator, 'Sign out');
  await operator.page.keyboard.press('Enter');
  await operator.isAt('Sign out?');
  await reachesAll(operator);
  await goesTo(operator, 'Leave it');
  await operator.page.keyboard.press('Enter');
  await operator.isAt(alice);
  await goesTo(operator, 'Log out');
  await operator.page.keyboard.press('Enter');
  await operator.isAt('Log in');
}

// Tab after Tab, from the first to the last.
async function reachesAll(operator) {
  const { page } = operator;
  const wanted = await page.locator(USABLE).evaluateAll((all) => all.map((one) => one.outerHTML));
  await page.evaluate(() => document.activeElement.blur());
  const met = [];
  for (let left = MOST; left > 0; left -= 1) {
    await page.keyboard.press('Tab');
    const now = await page.evaluate(() => {
      const one = document.activeElement;
      if (one === document.body || one === document.documentElement) return null;
      const style = getComputedStyle(one);
      const box = one.getBoundingClientRect();
      const isSeen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.right > 0 && box.top < innerHeight && box.bottom > 0;
      return { html: one.outerHTML, isSeen };
    });
    if (!now || (met.length && now.html === met[0] && met.length >= wanted.length)) break;
    assert.ok(now.isSeen, `one does not see where one is: ${now.html}`);
    met.push(now.html);
  }
  assert.deepEqual(met, wanted, `what Tab reaches at ${page.url()}`);
}

// The first Tab of a page leads past what all pages have.
async function skips(operator) {
  await operator.opens('/');
  await operator.page.keyboard.press('Tab');
  await operator.page.keyboard.press('Enter');
  assert.equal(await operator.page.evaluate(() => document.activeElement.id), 'main');
}

async function goesTo(operator, name) {
  const { page } = operator;
  for (let left = MOST; left > 0; left -= 1) {
    await page.keyboard.press('Tab');
    const now = await page.evaluate(() => document.activeElement.innerText?.trim());
    if (now === name) return;
  }
  throw new Error(`Tab does not reach ${name} at ${page.url()}`);
}
