/** What a purchase is, for who is told of one: a root file, since contexts do not know each other. */
export { entitledUntil, Purchase } from './purchases/purchase.ts';
