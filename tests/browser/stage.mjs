// A simulated Microsoft 365, a saslgate with an admin page in front of it, and accounts in four states.
// Both listen on loopback at ports that the system picks, live in a temporary directory, and are ended by their handles.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SASLGATE = process.env.SASLGATE ?? path.join(ROOT, 'target/debug/saslgate');

export const PASSWORD = 'the password of the admin page';
export const LONG = 'accounts.receivable.and.returns.of.the.northern.region';
const PATIENCE = 60_000;

export class Stage {
  static async start() {
    const stage = new Stage();
    stage.mailClients = [];
    stage.folder = await mkdtemp(path.join(tmpdir(), 'saslgate-browser-'));
    try {
      stage.simulator = spawn(SASLGATE, ['demo', '--simulator-only', '--people', LONG], { stdio: ['pipe', 'pipe', 'inherit'] });
      const [line] = await once(createInterface(stage.simulator.stdout), 'line');
      stage.told = JSON.parse(line);
      stage.entra = new URL(stage.told.entra).origin;
      stage.url = `http://localhost:${await freePort()}`;
      await stage.put('ca.pem', stage.told.ca);
      await stage.put('secret', stage.told.client_secret);
      await mkdir(path.join(stage.folder, 'state'), { mode: 0o700 });
      await stage.configure();
      await stage.startSaslgate();
      return stage;
    } catch (error) {
      await stage.end();
      throw error;
    }
  }

  person(name) {
    return `${name}@contoso.onmicrosoft.com`;
  }

  // Writes the configuration; `more` is put behind it.
  async configure(more = '') {
    await this.put('saslgate.toml', this.configuration() + more);
  }

  put(name, text) {
    return writeFile(path.join(this.folder, name), text, { mode: 0o600 });
  }

  configuration() {
    const { told } = this;
    const port = (name) => told[name].split(':').pop();
    const hosts = `imap = "localhost:${port('imap')}"\npop3 = "localhost:${port('pop3')}"\nsmtp = "localhost:${port('smtp')}"
tls = { imap = "implicit", pop3 = "implicit", smtp = "starttls" }\n`;
    const itself = (id) => `grant = "client_credentials"\ntenant = "${told.tenant}"\nclient_id = "${id}"
client_secret_file = "secret"\nscope = "${told.scope}"\n`;
    const account = (login, more) => `\n[[account]]\nlogin = "${login}"\npassword = "${told.password_hash}"\n${more}\n`;
    return `[upstream]
ca_file = "ca.pem"
proxy = "none"
[log]
format = "json"
[admin]
bind = "${new URL(this.url).host}"
password = "${this.hash ??= stored(PASSWORD)}"
[provider.sim]
token_url = "${told.entra}/{tenant}/oauth2/v2.0/token"
authorize_url = "${told.entra}/{tenant}/oauth2/v2.0/authorize"
device_url = "${told.entra}/{tenant}/oauth2/v2.0/devicecode"
${hosts}
[provider.dark]
token_url = "https://localhost:1/{tenant}/oauth2/v2.0/token"
${hosts}
[app.people]
preset = "sim"
grant = "authorization_code"
tenant = "${told.tenant}"
client_id = "${told.public_client_id}"
scope = "${told.delegated_scope}"
redirect_uri = "${this.url}/oauth/callback"
[app.itself]
preset = "sim"
${itself(told.client_id)}[app.mistyped]
preset = "sim"
${itself('5a51aa7e-9999-4222-8333-444455556666')}[app.dark]
preset = "dark"
${itself(told.client_id)}
[[listener]]
protocol = "imap"
bind = "127.0.0.1:0"
${account(this.person('alice'), 'app = "people"')}
${account(this.person(LONG), 'app = "people"')}
${account(this.person('support'), 'app = "itself"')}
${account('scanner', `app = "mistyped"\nmailbox = "${this.person('bob')}"\nprotocols = ["imap"]`)}
${account('branch-office', `app = "dark"\nmailbox = "${this.person('bob')}"\nprotocols = ["imap"]`)}
`;
  }

  async startSaslgate() {
    const environment = { ...process.env, STATE_DIRECTORY: path.join(this.folder, 'state') };
    const run = ['run', '--config', path.join(this.folder, 'saslgate.toml')];
    this.saslgate = spawn(SASLGATE, run, { stdio: ['ignore', 'ignore', 'pipe'], env: environment });
    this.log = [];
    const lines = createInterface(this.saslgate.stderr);
    await new Promise((ready, failed) => {
      const late = setTimeout(() => failed(new Error('saslgate was not ready in time')), PATIENCE);
      lines.on('line', (line) => {
        this.log.push(line);
        if (line.includes('"message":"ready"')) {
          clearTimeout(late);
          ready();
        }
      });
      lines.on('close', () => failed(new Error(`saslgate ended:\n${this.log.slice(-20).join('\n')}`)));
    });
  }

  // A mail client logs in, which tells saslgate how the account stands; with a yes it stays. The last line that it got.
  async mailClient(account) {
    const listening = this.log.map((line) => JSON.parse(line)).find((line) => line.message === 'listening' && line.protocol === 'imap');
    const socket = connect(Number(listening.address.split(':').pop()), '127.0.0.1');
    this.mailClients.push(socket);
    const lines = createInterface(socket);
    socket.write(`a LOGIN "${account}" "${this.told.password}"\r\n`);
    for await (const line of lines) {
      if (line.startsWith('a ')) return line;
    }
    return 'nothing';
  }

  async end() {
    this.mailClients.forEach((socket) => socket.destroy());
    for (const program of [this.saslgate, this.simulator]) {
      if (program && program.exitCode === null) {
        program.kill('SIGINT');
        await once(program, 'exit');
      }
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

// What a configuration stores of a password.
function stored(password) {
  const made = spawnSync(SASLGATE, ['password', '--stdin'], { input: `${password}\n`, encoding: 'utf8' });
  return /sg[12]:[^\s"]+/.exec(made.stdout)[0];
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
