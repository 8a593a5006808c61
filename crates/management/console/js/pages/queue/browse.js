export function browse() { return document.createElement('div'); }
