import type { Refusal } from './refusal.ts'

/** How an exchange ended. After the first byte there is no refusal, only a broken stream (H1-21). */
export type Delivery =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'broken'; readonly by: 'client' | 'upstream' | 'shutdown' }
