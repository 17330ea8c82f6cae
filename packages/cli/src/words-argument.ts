import { InvalidArgumentError } from 'commander'

/** A question or a phrase: words, before anything is sent that they would be about. */
export function words(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It is empty; words are expected, such as "where is the dog?".')
  return text
}
