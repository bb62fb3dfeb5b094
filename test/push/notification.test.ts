import { describe, expect, test } from 'vitest';
import { notificationOf } from '../../functions/push/notification.ts';
import { ada, at, ben } from '../people.ts';

const about = { viewer: ada, stream: 'conversation/cnv_1', v: 7 };
const sent = (by: string, text: string) => ({ type: 'Sent', id: 'msg_1', number: 6, by, text, at });

describe('a notification', () => {
  test('of a message names its sender and shows the text by keys of the app', () =>
    expect(notificationOf([sent(ben, 'hi')], about)).toMatchObject({
      titleKey: 'message.title',
      bodyKey: 'message.body',
      args: [ben, 'hi'],
      event: 'conversation/cnv_1@7',
    }));
  test('of a match names the other', () =>
    expect(
      notificationOf([{ type: 'MatchMade', person: ada, with: ben, conversation: 'cnv_1', at }], about),
    ).toMatchObject({ bodyKey: 'match.body', args: [ben] }));
  test('is not made for what one did oneself', () => expect(notificationOf([sent(ada, 'hi')], about)).toBe('own'));
  test('is not made for events that show nothing, known or not', () => {
    expect(notificationOf([{ type: 'Opened', members: [ada, ben], at }], about)).toBe('nothing to show');
    expect(notificationOf([{ type: 'FromTheFuture' }, 7, null], about)).toBe('nothing to show');
  });
  test('shortens a long text by whole characters', () => {
    const made = notificationOf([sent(ben, '🙂'.repeat(4000))], about);
    expect(typeof made === 'object' && [...(made.args[1] ?? '')].length).toBe(200);
  });
});
