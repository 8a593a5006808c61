// 中文。
export const zh = {};
