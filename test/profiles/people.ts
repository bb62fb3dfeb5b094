/** Profiles as people send them. */
import type { Json } from '../world.ts';

/** Berlin, and roughly so many km to the north of it. */
export const at = (north = 0, east = 0): { lat: number; lon: number } => ({
  lat: 52.52 + north / 111.2,
  lon: 13.4 + east / 67.7,
});

/** A woman of thirty in Berlin who seeks anybody. */
export const profileOf = (more: Json = {}): Json => ({
  name: 'Ada',
  birthDate: '1995-05-17',
  bio: 'Mathematics, and long walks.',
  attributes: { gender: 'woman', height: 170, interests: 'hiking, chess', intent: 'dates', smokes: false },
  place: at(),
  ...more,
});
