import { afterEach, describe, expect, test, vi } from 'vitest';
import { Tickets } from '../../src/runs/ticket.ts';

const content = ['a', null, 'ü"b', 1];

describe('a ticket', () => {
  afterEach(() => void vi.useRealTimers());

  test('brings back what was issued, in letters that a URL takes', () => {
    const tickets = new Tickets();
    const ticket = tickets.issue(content, 60_000);
    expect(ticket).toMatch(/^[\w-]+\.[\w-]{43}$/);
    expect(tickets.read(ticket)).toEqual(content);
  });

  test('is the same for five minutes, so that caches know it', () => {
    vi.useFakeTimers({ now: 1_000_000_000_000 - (1_000_000_000_000 % 300_000) });
    const tickets = new Tickets();
    const first = tickets.issue(content, 60_000);
    vi.advanceTimersByTime(299_999);
    expect(tickets.issue(content, 60_000)).toBe(first);
    vi.advanceTimersByTime(1);
    expect(tickets.issue(content, 60_000)).not.toBe(first);
  });

  test.each([0, 1, 150_000, 299_999])(
    'is good for its time, and five minutes longer at most: issued %s ms into them',
    (into) => {
      vi.useFakeTimers({ now: 1_000_000_000_000 - (1_000_000_000_000 % 300_000) + into });
      const tickets = new Tickets();
      const ticket = tickets.issue(content, 60_000);
      vi.advanceTimersByTime(60_000);
      expect(tickets.read(ticket)).toEqual(content);
      vi.advanceTimersByTime(300_000);
      expect(tickets.read(ticket)).toBeNull();
    },
  );

  test('is taken by those with the same secret, and nobody else', () => {
    const ticket = new Tickets('one secret').issue(content, 60_000);
    expect(new Tickets('one secret').read(ticket)).toEqual(content);
    for (const other of [new Tickets('another secret'), new Tickets(), new Tickets('')])
      expect(other.read(ticket)).toBeNull();
    expect(new Tickets().read(new Tickets().issue(content, 60_000))).toBeNull();
  });

  test('is refused whatever single letter of it is changed', () => {
    const tickets = new Tickets();
    const ticket = tickets.issue(content, 60_000);
    // The last letter of a signature has two bits to spare.
    for (let at = 0; at < ticket.length - 1; at += 1) {
      const changed = ticket.slice(0, at) + (ticket[at] === 'A' ? 'B' : 'A') + ticket.slice(at + 1);
      expect(tickets.read(changed)).toBeNull();
    }
    for (const wrong of ['', '.', 'x', `${ticket}x`, ticket.split('.')[0] ?? '', `.${ticket.split('.')[1]}`]) {
      expect(tickets.read(wrong)).toBeNull();
    }
  });
});
