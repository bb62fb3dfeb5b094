/** What one may write to whom one likes: a line or two that can't turn the direction of what stands around it. */
import { Text } from '../../core/text.ts';

const NOTE_CHARACTERS = 140;
const BIDI = /\p{Bidi_Control}/u;

export const Note = Text(NOTE_CHARACTERS).refine((text) => !BIDI.test(text), 'must not turn the direction of writing');
