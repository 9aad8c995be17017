/** Colours for terminals: what a piece of text is, and how it is shown. */
import { styleText } from 'node:util';

export type Style = 'error' | 'warning' | 'success' | 'frame' | 'strong' | 'faint' | 'code';
export type Paint = (style: Style, text: string) => string;

type Format = Parameters<typeof styleText>[0];

const FORMATS: Readonly<Record<Style, Format>> = {
  error: ['bold', 'red'],
  warning: ['bold', 'yellow'],
  success: ['bold', 'green'],
  frame: ['bold', 'blue'],
  strong: 'bold',
  faint: 'dim',
  code: 'cyan',
};

export const plain: Paint = (_style, text) => text;

/** The caller decides whether the stream takes colours, so styleText must not look at one. */
export const colored: Paint = (style, text) =>
  text === '' ? '' : styleText(FORMATS[style], text, { validateStream: false });
