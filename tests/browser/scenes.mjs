// What people do at the admin page, from the first login to the last logout. Each scene goes on where the one before has left.

import assert from 'node:assert/strict';

import { LONG, PASSWORD } from './stage.mjs';
import { Visitor } from './visitor.mjs';

// An operator: a password that is wrong, then the right one.
export async function login(operator) {
  await operator.opens('/');
  await operator.looks('login', 'Log in');
  await operator.logsIn('a guess');
  await operator.isAt('Log in');
  await operator.hears('alert', /not the password/);
  await operator.looks('login-wrong', 'Log in');
  await operator.logsIn(PASSWORD);
  await operator.isAt('Accounts');
}

export async function overview(operator, stage) {
  const support = stage.person('support');
  assert.match(await stage.mailClient(support), /^a OK/);
  assert.match(await stage.mailClient('scanner'), /^a NO/);
  assert.match(await stage.mailClient('branch-office'), /^a NO/);
  await untilState(operator, 'branch-office', 'waiting');
  await untilState(operator, 'scanner', 'needs admin');
  await untilState(operator, support, 'ready');
  await operator.opens('/');
  await operator.looks('overview', 'Accounts');
  await operator.sees('navigation', 'Main');
  for (const column of ['Account', 'State', 'What is wrong', 'Signed in', 'Last login', 'Sessions']) {
    await operator.sees('columnheader', column);
  }
  await operator.page.getByText('What do these states mean?').click();
  await operator.hears('definition', /tries again by itself/);
  await operator.looks('overview-states', 'Accounts');
  await operator.opens('/');
  const states = [
    ['scanner', 'needs admin'], [stage.person(LONG), 'needs sign-in'], [stage.person('alice'), 'needs sign-in'],
    ['branch-office', 'waiting'], [support, 'ready'],
  ];
  const rows = operator.page.getByRole('row');
  assert.equal(await rows.count(), states.length + 1);
  for (const [number, [account, state]] of states.entries()) {
    const row = rows.nth(number + 1);
    await row.getByRole('rowheader', { name: account }).waitFor();
    await row.getByRole('cell', { name: state }).first().waitFor();
  }
  await operator.page.getByLabel('Find an account').fill('nobody of that name');
  await operator.presses('Find');
  await operator.looks('overview-nothing-found', 'Accounts');
  await operator.reads('No account has that in its name.');
  await operator.follows('Show all');
  await operator.page.getByLabel('Find an account').fill('SCAN');
  await operator.presses('Find');
  await operator.sees('link', 'scanner');
  assert.equal(await rows.count(), 2);
}

export async function accounts(operator, stage) {
  const alice = stage.person('alice');
  await operator.opens('/');
  await operator.follows(alice);
  await operator.looks('account-needs-sign-in', alice);
  await operator.sees('button', 'Sign in');
  await operator.readsAccount('scanner');
  await operator.looks('account-needs-admin', 'scanner');
  await operator.reads('AADSTS700016');
  assert.equal(await operator.find('button', 'Sign in').count(), 0, 'nobody signs in for an app that acts for itself');
  await operator.readsAccount('branch-office');
  await operator.looks('account-waiting', 'branch-office');
  await operator.readsAccount(stage.person(LONG));
  await operator.looks('account-long-name', stage.person(LONG));
  await operator.opens('/account?name=nobody');
  await operator.looks('account-unknown', 'No such account');
}

// To the provider and back; the browser goes both ways by itself.
export async function signInByRedirect(operator, stage) {
  const alice = stage.person('alice');
  await operator.readsAccount(alice);
  await atTheDoor(operator, stage, async () => {
    await operator.presses('Sign in');
    await operator.looks('sign-in-onward', 'On to the sign-in');
    await operator.sees('link', 'Go there');
    await operator.opens('/signing-in');
    await operator.looks('sign-in-waiting', 'Signing in');
    await operator.hears('status', /Waiting for/);
  });
  await operator.follows('Go to the sign-in page');
  await operator.isAt('Signed in');
  assert.equal(operator.page.url(), `${stage.url}/signing-in`, 'neither code nor state stays in the address');
  await operator.hears('status', new RegExp(`${alice} is signed in`));
  await operator.looks('signed-in', 'Signed in');
  await operator.follows('Back to the account');
  await operator.isAt(alice);
  await operator.reads('IMAP.AccessAsUser.All');
  await operator.looks('account-signed-in', alice);
  await operator.sees('link', 'Sign out');
  await operator.opens('/oauth/callback?code=again&state=again');
  await operator.looks('callback-again', 'Not this sign-in');
}

export async function test(operator, stage) {
  await operator.readsAccount(stage.person('alice'));
  await operator.presses('Test');
  await operator.hears('status', /Done: everything works/);
  await operator.looks('test-passed', 'Test');
  await operator.sees('row', /imap: .*passed/i);
  await operator.readsAccount('scanner');
  await operator.presses('Test');
  await operator.hears('status', /Steps that failed/);
  await operator.looks('test-failed', 'Test');
  await operator.reads('AADSTS700016');
}

export async function signOut(operator, stage) {
  const alice = stage.person('alice');
  await operator.readsAccount(alice);
  await operator.follows('Sign out');
  await operator.looks('sign-out-asks', 'Sign out?');
  await operator.follows('Leave it');
  await operator.isAt(alice);
  await operator.follows('Sign out');
  await operator.presses('Sign out');
  await operator.hears('status', /is forgotten/);
  await operator.looks('signed-out', 'Signed out');
  await operator.follows('Back to the account');
  await operator.isAt(alice);
  await untilState(operator, alice, 'needs sign-in');
}

// The owner types a code on another device, in a browser that has never been here.
export async function signInByCode(operator, stage, script) {
  const alice = stage.person('alice');
  await operator.readsAccount(alice);
  await operator.presses('Sign in by code');
  await operator.reads('Type this code');
  await operator.looks('sign-in-by-code', 'Signing in');
  const code = (await operator.page.locator('.code').innerText()).trim();
  await operator.hears('listitem', new RegExp(code));
  const refreshes = async () => (await operator.opens(operator.page.url())).headers().refresh !== undefined;
  assert.ok(await refreshes(), 'it is looked at again by itself');
  await operator.follows('Keep it still');
  await operator.sees('link', 'once');
  assert.ok(!(await refreshes()), 'and not where that is in the way');
  await operator.follows('Look again, from now on by itself');
  const owner = await Visitor.arrive(stage, { script });
  await owner.opens(`${stage.entra}/devicelogin?otc=${code}&login_hint=${encodeURIComponent(alice)}`);
  await owner.reads('You have signed in on your device');
  await owner.leave();
  await operator.isAt('Signed in');
  await operator.hears('status', new RegExp(`${alice} is signed in`));
}

// The owner of a mailbox comes by a link, without a password of the page.
export async function signInByLink(operator, stage, script) {
  const owned = stage.person(LONG);
  await operator.readsAccount(owned);
  await operator.page.getByLabel('Who asks, as the owner will read it').fill('Dana of the helpdesk');
  await operator.presses('Make a link');
  await operator.looks('link-made', 'A link to sign in by');
  const text = await operator.page.getByRole('region', { name: 'Text to forward' }).innerText();
  const link = /http:\S+\/sign-in\/\S+/.exec(text)[0];

  const owner = await Visitor.arrive(stage, { script });
  await owner.opens(link);
  await owner.looks('link', 'Sign in for a mailbox');
  await owner.reads('Dana of the helpdesk');
  await owner.reads(owned);
  assert.equal(await owner.page.getByRole('navigation').count(), 0, 'nothing of the operators');
  await owner.presses('Sign in');
  await owner.isAt('Signed in');
  await owner.hears('status', new RegExp(`${owned} is signed in`));
  await owner.reads('You can close this page');
  await owner.looks('link-signed-in', 'Signed in');
  await owner.opens(link);
  await owner.looks('link-used', 'This link is not good any more');
  await owner.reads('Ask whoever sent it to you for another one.');
  await owner.opens('/');
  await owner.isAt('Log in');
  await owner.leave();
  await operator.readsAccount(owned);
  await untilState(operator, owned, 'ready');
}

// A file that is broken changes nothing, and the page says what is wrong with it.
export async function reload(operator, stage) {
  await operator.opens('/');
  await operator.presses('Read it again');
  await operator.looks('reloaded', 'Configuration read again');
  await stage.configure('\n[[account]]\nlogin = "a.new.one"\npasword = "x"\n');
  await operator.opens('/');
  await operator.presses('Read it again');
  await operator.looks('not-reloaded', 'Configuration not taken');
  await operator.reads('pasword');
  await operator.follows('Back to the accounts');
  await operator.looks('overview-broken-file', 'Accounts');
  await operator.reads('pasword');
  await stage.configure();
  await operator.presses('Read it again');
  await operator.isAt('Configuration read again');
}

export async function strangePlaces(operator) {
  await operator.opens('/nowhere');
  await operator.looks('nothing-here', 'Nothing here');
  await operator.follows('Go to the first page');
  await operator.isAt('Accounts');
}

export async function logout(operator, stage, script) {
  await operator.opens('/');
  await operator.presses('Log out');
  await operator.isAt('Log in');
  await operator.opens('/account?name=scanner');
  await operator.isAt('Log in');
  const stranger = await Visitor.arrive(stage, { script });
  await stranger.opens('/signing-in');
  await stranger.looks('no-sign-in', 'No sign-in here');
  await stranger.opens('/oauth/callback?code=x&state=y');
  await stranger.looks('callback-of-nobody', 'Not this sign-in');
  await stranger.leave();
}

// Holds the provider's page back, so that what comes before it can be looked at.
async function atTheDoor(operator, stage, act) {
  const all = `${stage.entra}/**`;
  await operator.context.route(all, (route) => route.abort('aborted'));
  await act();
  await operator.context.unroute(all);
}

// States follow from what saslgate finds out by itself, which takes it a moment.
async function untilState(operator, account, state) {
  const end = Date.now() + 60_000;
  do {
    await operator.readsAccount(account);
    if (await operator.page.locator('.state').first().getByText(state).count()) return;
    await operator.page.waitForTimeout(200);
  } while (Date.now() < end);
  throw new Error(`${account} is not ${state} yet`);
}
