// Forms from a list of fields: label, input, hint, and what is wrong beside the field it is wrong in.

import { h } from '../core/dom.js';
import { t } from '../i18n/index.js';
import { toast } from './toast.js';

/**
 * @typedef {{
 *   name: string, label: string, type?: 'text' | 'number' | 'password' | 'select' | 'checkbox' | 'textarea' | 'json',
 *   value?: any, options?: [string, string][], hint?: string, required?: boolean, wide?: boolean, placeholder?: string,
 *   min?: number, list?: string[], rows?: number, more?: boolean, when?: [string, string],
 * }} Field `more`: behind “more”, which is closed at first. `when`: shown while another field has this value
 */

let ids = 0;

function input(field, id) {
  const common = { id, name: field.name, required: field.required, 'aria-describedby': field.hint && `${id}-hint`, placeholder: field.placeholder };
  switch (field.type) {
    case 'select':
      return h('select', { ...common, value: field.value ?? field.options?.[0]?.[0] },
        (field.options ?? []).map(([value, label]) => h('option', { value }, label)));
    case 'checkbox':
      return h('input', { ...common, type: 'checkbox', checked: field.value });
    case 'json':
    case 'textarea':
      return h('textarea', { ...common, rows: field.rows ?? 4, spellcheck: 'false', value: field.value ?? '' });
    default: {
      const list = field.list?.length ? `${id}-list` : undefined;
      const element = h('input', { ...common, type: field.type ?? 'text', value: field.value ?? '', min: field.min, list,
        autocomplete: field.type === 'password' ? 'new-password' : 'off', spellcheck: 'false' });
      return list ? [element, h('datalist', { id: list }, field.list?.map((value) => h('option', { value })))] : element;
    }
  }
}

function row(field, id) {
  const hint = field.hint && h('small', { id: `${id}-hint`, class: 'hint' }, field.hint);
  const label = h('span', {}, field.label, field.required && h('abbr', { title: t('required'), 'aria-hidden': 'true' }, ' *'));
  return h('div', { class: `field ${field.type ?? 'text'}${field.wide ? ' wide' : ''}` },
    h('label', { for: id }, label), input(field, id), hint);
}

const fieldsOf = (fields, prefix) => h('div', { class: 'fields' }, fields.map((field) => row(field, `${prefix}-${field.name}`)));

/** What the fields say. Numbers are numbers, JSON is parsed, what is empty is null. Throws what is wrong with a field's name. */
export function values(/** @type {any} */ form, /** @type {Field[]} */ fields) {
  /** @type {Record<string, any>} */
  const all = {};
  for (const field of fields) {
    const element = form.elements[field.name];
    const text = field.type === 'checkbox' ? '' : element.value;
    element.setCustomValidity('');
    if (field.type === 'checkbox') all[field.name] = element.checked;
    else if (text === '') all[field.name] = null;
    else if (field.type === 'number') all[field.name] = Number(text);
    else if (field.type === 'json') {
      try {
        all[field.name] = JSON.parse(text);
      } catch (error) {
        element.setCustomValidity(t('Not JSON: {reason}', { reason: /** @type {any} */ (error).message }));
        element.addEventListener('input', () => element.setCustomValidity(''), { once: true });
        form.reportValidity();
        return null;
      }
    } else all[field.name] = text;
  }
  return all;
}

/**
 * @param {{ fields: Field[], submit: string, onSubmit: (values: any) => Promise<any>, danger?: boolean,
 *   extra?: any, onCancel?: () => void, reset?: boolean, label?: string }} options
 */
export function form({ fields, submit, onSubmit, danger, extra, onCancel, reset, label }) {
  const prefix = `f${(ids += 1)}`;
  const rest = fields.filter(({ more }) => more);
  const button = h('button', { class: `button ${danger ? 'danger' : 'primary'}`, type: 'submit' }, submit);
  const element = h('form', { class: 'form', 'aria-label': label, on: {
    submit: async (event) => {
      event.preventDefault();
      const all = values(element, fields);
      if (!all) return;
      button.disabled = true;
      try {
        await onSubmit(all);
        if (reset) element.reset();
      } catch (error) {
        toast(/** @type {any} */ (error).message, 'bad');
      }
      button.disabled = false;
    },
  } }, fieldsOf(fields.filter(({ more }) => !more), prefix), rest.length > 0 && h('details', { class: 'more-fields' }, h('summary', {}, t('More')), fieldsOf(rest, prefix)), extra,
  h('div', { class: 'row end' }, onCancel && h('button', { class: 'button', type: 'button', on: { click: onCancel } }, t('Cancel')), button));
  const follow = () => {
    for (const { name, when } of fields) if (when) element.elements[name].closest('.field').hidden = element.elements[when[0]].value !== when[1];
  };
  element.addEventListener('change', follow);
  follow();
  return element;
}
