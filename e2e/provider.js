// An identity provider on this machine: a certified one, with accounts of any name.
import http from "node:http";
import { once } from "node:events";
import Provider from "oidc-provider";

/** Starts it for one client that comes back to this address. Whoever signs in is in the group. */
export async function startProvider(back, group) {
  const server = http.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "poolwatch",
        client_secret: "what both of them know",
        redirect_uris: [back],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    claims: { openid: ["sub", "groups"], email: ["email"], profile: ["name"] },
    // Claims stand in the ID token, as those of Entra ID, AD FS and Keycloak do.
    conformIdTokenClaims: false,
    cookies: { keys: ["of this run alone"] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@corp.example`, name: `${id} of Corp`, groups: [group] }),
    }),
    pkce: { required: () => true },
  });
  server.on("request", provider.callback());
  return { issuer, stop: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())) };
}
