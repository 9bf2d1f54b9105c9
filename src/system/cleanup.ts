/**
 * What has to be undone if binfmt ends in the middle of something. Everything here is done without waiting,
 * because it also runs while a signal is handled.
 */

const pending = new Set<() => void>();

/** Registers something to undo. Call the result when it is undone already. */
export function undoAtEnd(undo: () => void): () => void {
  pending.add(undo);
  return () => pending.delete(undo);
}

/** Undoes everything that is still pending. A failure does not keep the rest from being undone. */
export function undoAll(): void {
  for (const undo of pending) {
    pending.delete(undo);
    try {
      undo();
    } catch {
      // The program is ending, and nothing could be done about it.
    }
  }
}
