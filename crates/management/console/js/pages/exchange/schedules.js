export function schedules() { return document.createElement('div'); }
