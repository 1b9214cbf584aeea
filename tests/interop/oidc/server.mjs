// node's oidc-provider on loopback. Its one argument is a JSON file; what happens is told on standard output, one JSON
// object to a line. Everything that judges a request is oidc-provider's own, but for `slow_down`, which it never says.
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

import Provider from 'oidc-provider';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

const tell = (event, facts) => process.stdout.write(`${JSON.stringify({ event, at: Date.now(), ...facts })}\n`);

// The public half of the key of an app that proves itself by its certificate: no `kid`, because Entra ID has none.
const jwk = createPublicKey(readFileSync(settings.app_certificate)).export({ format: 'jwk' });
const clients = settings.clients.map((client) =>
  client.token_endpoint_auth_method === 'private_key_jwt' ? { ...client, jwks: { keys: [{ ...jwk, use: 'sig' }] } } : client);

const findAccount = (_ctx, id) => {
  const person = settings.people[id];
  return person && { accountId: id, claims: () => ({ sub: id, ...(person.name && { preferred_username: person.name }) }) };
};

const provider = new Provider(settings.issuer, {
  clients,
  findAccount,
  // Whose mailbox a token opens: Dovecot asks for `username`.
  extraTokenClaims: (_ctx, token) =>
    ({ username: token.accountId ? settings.people[token.accountId].opens : settings.apps[token.clientId] }),
  scopes: ['openid', 'offline_access', 'mail'],
  claims: { openid: ['sub'], profile: ['preferred_username'] },
  // As most providers do, names go into the id_token beside an access token too.
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: (_ctx, _token, client) => (settings.short_lived.includes(client.clientId) ? 60 : 3600),
    ClientCredentials: 3600,
    DeviceCode: 600,
    Grant: 86400,
    IdToken: 3600,
    Interaction: 600,
    RefreshToken: 86400,
    Session: 600,
  },
  enabledJWA: { clientAuthSigningAlgValues: ['PS256', 'RS256'] },
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
  },
  cookies: { keys: [settings.cookie_key] },
});

const asked = (ctx) => ({ client: ctx.oidc.client?.clientId, grant: ctx.oidc.params?.grant_type });
const failed = (ctx, error) =>
  ({ ...asked(ctx), error: error.error, description: error.error_description, detail: error.error_detail });
provider.on('grant.success', (ctx) => tell('granted', asked(ctx)));
provider.on('grant.error', (ctx, error) => tell('refused', failed(ctx, error)));
provider.on('device_authorization.error', (ctx, error) => tell('refused', failed(ctx, error)));
provider.on('authorization.error', (ctx, error) => tell('not authorized', failed(ctx, error)));
provider.on('grant.revoked', (ctx) => tell('revoked', asked(ctx)));
provider.on('refresh_token.consumed', (token) => tell('consumed', { client: token.clientId, token: token.jti }));
provider.on('server_error', (ctx, error) => tell('fault', { ...asked(ctx), error: error.stack }));

// RFC 8628 3.5: the second question of each app is called too early.
const questions = new Map();
provider.use(async (ctx, next) => {
  await next();
  if (ctx.oidc?.params?.grant_type !== DEVICE_CODE) return;
  const { clientId } = ctx.oidc.client ?? {};
  const number = (questions.get(clientId) ?? 0) + 1;
  questions.set(clientId, number);
  if (ctx.body.error === 'authorization_pending' && number === 2) ctx.body = { error: 'slow_down' };
  tell('polled', { client: clientId, said: ctx.body.error ?? 'granted' });
});

createServer({ key: readFileSync(settings.key), cert: readFileSync(settings.certificate) }, provider.callback())
  .listen(settings.port, '127.0.0.1');
