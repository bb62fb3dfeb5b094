/** Ages: whole years by the calendar in UTC. A birth date leaves the system for nobody but whose it is. Pure. */

/** Below 0 for who is not born yet. */
export const ageOn = (birthDate: string, now: Date): number => {
  const [year = 0, month = 1, day = 1] = birthDate.split('-').map(Number);
  const years = now.getUTCFullYear() - year;
  const isBefore = now.getUTCMonth() + 1 < month || (now.getUTCMonth() + 1 === month && now.getUTCDate() < day);
  return isBefore ? years - 1 : years;
};
