/**
 * What `npm start` prints once the system answers: addresses, tokens of two people, and lines to paste into a shell.
 * They work in sh, bash and zsh: no comments (an interactive zsh takes none), nothing but curl and sed.
 */

type Facts = { http: string; ws: string; data: string; ada: string; ben: string };

const PHONE = 'be11'.repeat(16);

const device = JSON.stringify({
  platform: 'ios',
  push: { kind: 'apns', value: PHONE, app: 'example.chorus.demo', environment: 'sandbox' },
  locale: 'en',
  appVersion: '1.0.0',
});

const pick = (field: string): string => `sed -E 's/.*"${field}":"([^"]+)".*/\\1/'`;
const as = (person: string): string => `-H "authorization: Bearer $${person}" -H 'content-type: application/json'`;

/** Everything but the sockets, in one shell. */
export const curlLines = ({ http, ada, ben }: Omit<Facts, 'ws' | 'data'>): string[] => [
  `CHORUS=${http}`,
  `ADA=${ada}`,
  `BEN=${ben}`,
  `echo "Ben registers his phone; it has no open socket, so it will get a push"`,
  `curl -s -X PUT $CHORUS/v1/devices/ben-phone ${as('BEN')} -d '${device}'; echo`,
  `echo "They like each other"`,
  `curl -s -X PUT $CHORUS/v1/reactions/ben ${as('ADA')} -d '{"type":"like"}'; echo`,
  `CONVERSATION=$(curl -s -X PUT $CHORUS/v1/reactions/ada ${as('BEN')} -d '{"type":"like"}' | ${pick('conversationId')}); echo $CONVERSATION`,
  `echo "Ada sends a message"`,
  `curl -s -X POST $CHORUS/v1/conversations/$CONVERSATION/messages ${as('ADA')} -H "idempotency-key: hello-$(date +%s)" -d '{"text":"Hello Ben","after":1}'; echo`,
  `echo "What a new device of Ben gets"`,
  `curl -s $CHORUS/v1/sync ${as('BEN')}; echo`,
  `echo "What phones would have shown"`,
  `sleep 1; curl -s $CHORUS/dev/pushes; echo`,
];

/** One line that opens a person's socket, for a terminal of its own. */
export const socketLine = ({ http, ws }: Pick<Facts, 'http' | 'ws'>, person: string): string =>
  [
    `TOKEN=$(curl -s -X POST ${http}/dev/token -d '{"user":"${person}"}' | ${pick('token')})`,
    `TICKET=$(curl -s -X POST ${http}/v1/socket-tickets ${as('TOKEN')} -d '{}' | ${pick('ticket')})`,
    `npx --yes wscat -c "${ws}/?device=${person}-laptop&ticket=$TICKET"`,
  ].join('; ');

export const welcome = (facts: Facts): string => {
  const { http, ws, data } = facts;
  return [
    '',
    `Chorus is running.  HTTP ${http}  WebSocket ${ws}  data in ${data}  (Ctrl-C stops it)`,
    '',
    'Paste this into another terminal (tokens of ada and ben, good for 12 hours):',
    '',
    ...curlLines(facts),
    '',
    'Two open devices, each in a terminal of its own; then send the message again and see it arrive on both:',
    '',
    socketLine(facts, 'ada'),
    '',
    socketLine(facts, 'ben'),
    '',
    'How each event travels:',
    '',
  ].join('\n');
};
