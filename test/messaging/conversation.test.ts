import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Text } from '../../core/text.ts';
import {
  type ConversationCommand,
  type ConversationEvent,
  conversation,
} from '../../functions/messaging/conversation.ts';
import { given, play } from '../given.ts';
import { ada, at, ben, cleo } from '../people.ts';

const open: ConversationCommand = { type: 'Open', members: [ada, ben], at };
const opened: ConversationEvent = { type: 'Opened', members: [ada, ben], at };
const say = (by: typeof ada, text = 'hello'): ConversationCommand => ({
  type: 'Send',
  id: `msg_${text}`,
  by,
  text,
  at,
});
const said = (by: typeof ada, number: number, text = 'hello'): ConversationEvent => ({
  type: 'Sent',
  id: `msg_${text}`,
  number,
  by,
  text,
  at,
});

describe('a conversation', () => {
  test('is opened once', () => {
    given(conversation).when(open).then(opened);
    given(conversation, opened).when(open).then();
    given(conversation, opened, said(ada, 1))
      .when({ ...open, members: [ada, cleo] })
      .then();
  });
  test('numbers its messages from 1', () => {
    given(conversation, opened).when(say(ada)).then(said(ada, 1));
    given(conversation, opened, said(ada, 1)).when(say(ben)).then(said(ben, 2));
  });
  test('does not exist for a stranger, nor before it is opened', () => {
    given(conversation, opened).when(say(cleo)).thenRejected('not-found');
    given(conversation).when(say(ada)).thenRejected('not-found');
  });
  test('counts messages densely whoever speaks', () => {
    const anyone = fc.constantFrom(say(ada), say(ben), say(cleo), open);
    fc.assert(
      fc.property(fc.array(anyone), (commands) => {
        const numbers = play(conversation, [open, ...commands]).flatMap((e) => (e.type === 'Sent' ? [e.number] : []));
        expect(numbers).toEqual(numbers.map((_, i) => i + 1));
      }),
    );
  });
});

describe('the text of a message', () => {
  const text = Text(4000);
  test('may be 4,000 characters, also of those that need two code units', () => {
    expect(text.safeParse('x'.repeat(4000)).success).toBe(true);
    expect(text.safeParse('🙂'.repeat(4000)).success).toBe(true);
    expect(text.safeParse('x'.repeat(4001)).success).toBe(false);
    expect(text.safeParse('🙂'.repeat(4001)).success).toBe(false);
  });
  test.each([
    ['half a surrogate pair', '\ud83d'],
    ['a control character', 'a\u0000b'],
    ['an escape', '\u001b[31m'],
    ['only spaces', ' \n '],
    ['nothing', ''],
  ])('may not be %s', (_, value) => expect(text.safeParse(value).success).toBe(false));
  test('keeps newlines, tabs, accents and joined emoji as sent', () => {
    for (const value of ['a\nb\tc', 'é', '👩‍👩‍👧', 'مرحبا', 'e\u0301']) expect(text.parse(value)).toBe(value);
  });
});
