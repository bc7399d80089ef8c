// The icons of devices, by the name of their system.

const TABLETS = /^iPadOS/;
const PHONES = /^(Android|iOS|Windows Phone|KaiOS)/;

/** Return the name of the icon for a device. */
export const pictureOf = ({ system }) =>
  TABLETS.test(system ?? "") ? "tablet" : PHONES.test(system ?? "") ? "smartphone" : "monitor";
