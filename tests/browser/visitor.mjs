// A browser with somebody in front of it: what they find on a page, by role and name as a screen reader tells it, and what
// holds for every page whoever looks.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const DESKTOP = { width: 1200, height: 800 };
const PHONE = { width: 390, height: 844 };
// WCAG 2.2, 1.4.10: nothing has to be scrolled sideways in a window of that width.
const NARROW = { width: 320, height: 640 };

// What axe-core said of all pages, and how often each was looked at.
export const report = { looks: 0, pages: new Set(), rules: new Set(), violations: [], unsure: new Map() };

export class Visitor {
  // A browser of its own, which knows nothing yet. With `script: false` it runs none.
  static async arrive(stage, { script = true } = {}) {
    const visitor = new Visitor();
    visitor.stage = stage;
    visitor.script = script;
    visitor.strayed = [];
    visitor.forms = [];
    visitor.complaints = [];
    visitor.folder = await mkdtemp(path.join(tmpdir(), 'saslgate-chromium-'));
    visitor.context = await chromium.launchPersistentContext(visitor.folder, {
      executablePath: CHROMIUM,
      headless: true,
      javaScriptEnabled: script,
      viewport: DESKTOP,
      // The simulator's certificate is from an authority of its own.
      ignoreHTTPSErrors: true,
      args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
      ],
    });
    visitor.context.setDefaultTimeout(30_000);
    visitor.context.on('request', (request) => visitor.watch(request));
    visitor.page = visitor.context.pages()[0] ?? (await visitor.context.newPage());
    visitor.page.on('console', (message) => visitor.hear(message));
    visitor.page.on('pageerror', (error) => visitor.complaints.push(String(error)));
    return visitor;
  }

  watch(request) {
    const url = request.url();
    const known = [this.stage.url, this.stage.entra];
    if (url.startsWith('http') && !known.includes(new URL(url).origin)) {
      this.strayed.push(url);
    }
    // Safari before 16.4 has nothing but this to say whose form it was.
    if (request.method() === 'POST' && url.startsWith(this.stage.url)) {
      this.forms.push(request.headerValue('origin').catch((error) => String(error)));
    }
  }

  // What the browser complains about: a policy that something ran against, above all. That a page has a status is no complaint.
  hear(message) {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource: the server responded with a status of 4')) {
      this.complaints.push(message.text());
    }
  }

  async leave() {
    const origins = new Set(await Promise.all(this.forms));
    await this.context.close();
    await rm(this.folder, { recursive: true, force: true });
    origins.delete(this.stage.url);
    assert.deepEqual([...origins], [], 'forms without their origin');
    assert.deepEqual(this.strayed, [], 'requests to somebody else');
    assert.deepEqual(this.complaints, [], 'the browser complained');
  }

  async opens(where) {
    return this.page.goto(where.startsWith('http') ? where : this.stage.url + where);
  }

  find(role, name, exact = true) {
    return this.page.getByRole(role, { name, exact }).first();
  }

  // Waits for it: pages that wait for something are loaded again by themselves.
  async sees(role, name, exact = true) {
    await this.find(role, name, exact).waitFor();
  }

  // What is announced: a role whose name is not what is in it.
  async hears(role, text) {
    await this.page.getByRole(role).filter({ hasText: text }).first().waitFor();
  }

  async reads(text) {
    await this.page.getByText(text).first().waitFor();
  }

  async isAt(heading) {
    await this.page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
  }

  async presses(name) {
    await this.find('button', name).click();
  }

  async follows(name) {
    await this.find('link', name).click();
  }

  async logsIn(password) {
    await this.page.getByLabel('Password').fill(password);
    await this.presses('Log in');
  }

  async readsAccount(name) {
    await this.opens(`/account?name=${encodeURIComponent(name)}`);
    await this.isAt(name);
  }

  // What holds for every page. `name` is that of its screenshots, `heading` what it is known by.
  async looks(name, heading) {
    await this.isAt(heading);
    await this.steadily(() => this.page.locator('html[lang=en] main').waitFor());
    assert.match(await this.page.title(), / - saslgate$/);
    assert.equal(await this.page.locator('h1').count(), 1, `${name}: headings of the first level`);
    await this.shoots(name);
    await this.page.setViewportSize(NARROW);
    const [wide, window] = await this.steadily(() => this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]));
    assert.ok(wide <= window, `${name}: ${wide} px are wider than a window of ${window} px`);
    await this.page.setViewportSize(DESKTOP);
    // axe-core waits by timers, which a browser that runs no script does not have.
    if (this.script) {
      report.pages.add(name);
      for (const colorScheme of ['light', 'dark']) {
        await this.page.emulateMedia({ colorScheme });
        await this.judges(name, colorScheme);
      }
      await this.page.emulateMedia({ colorScheme: 'light' });
    }
  }

  async judges(name, colors) {
    const found = await this.steadily(async () => {
      await this.page.evaluate(AXE);
      return this.page.evaluate(() => axe.run(document, { rules: { 'target-size': { enabled: true } } }));
    });
    report.looks += 1;
    found.passes.forEach((rule) => report.rules.add(rule.id));
    for (const rule of found.incomplete) {
      report.unsure.set(rule.id, (report.unsure.get(rule.id) ?? 0) + 1);
    }
    for (const rule of found.violations) {
      const where = rule.nodes.map((node) => node.html.slice(0, 160)).join('\n    ');
      report.violations.push(`${rule.impact}: ${rule.id} (${rule.help}) on ${name}, ${colors}:\n    ${where}`);
    }
  }

  // A page may be loaded again in the middle.
  async steadily(act) {
    for (let left = 5; ; left -= 1) {
      try {
        return await act();
      } catch (error) {
        if (left === 0 || !/navigat|context was destroyed|axe is not defined/i.test(String(error))) throw error;
        await this.page.waitForLoadState();
      }
    }
  }

  async shoots(name) {
    const folder = process.env.SCREENSHOTS;
    if (!folder || !this.script) return;
    await mkdir(folder, { recursive: true });
    for (const [kind, viewport, colorScheme] of [['desktop', DESKTOP, 'light'], ['phone', PHONE, 'light'], ['dark', DESKTOP, 'dark']]) {
      await this.page.setViewportSize(viewport);
      await this.page.emulateMedia({ colorScheme });
      await this.page.screenshot({ path: path.join(folder, `${name}-${kind}.png`), fullPage: true, animations: 'disabled' });
    }
    await this.page.setViewportSize(DESKTOP);
    await this.page.emulateMedia({ colorScheme: 'light' });
  }
}
