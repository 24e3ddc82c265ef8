/** A video of an episode, or of a part of one. */
export interface VideoPart {
  url: string;
  fps: number;
  frames: number;
}

/** A frame of one of several parts. */
export interface PartFrame {
  part: number;
  frame: number;
}

/** How many frames all parts have. */
export function framesOf(parts: readonly VideoPart[]): number {
  return parts.reduce((sum, part) => sum + part.frames, 0);
}

/** Where the n-th frame of an episode is; beyond the last one it is that. */
export function partOfFrame(parts: readonly VideoPart[], n: number): PartFrame {
  let left = Math.min(Math.max(Math.round(n), 0), Math.max(framesOf(parts) - 1, 0));
  for (const [part, { frames }] of parts.entries()) {
    if (left < frames) return { part, frame: left };
    left -= frames;
  }
  return { part: 0, frame: 0 };
}

/** Which frame of the episode a part's frame is. */
export function frameOfPart(parts: readonly VideoPart[], { part, frame }: PartFrame): number {
  return framesOf(parts.slice(0, part)) + frame;
}

/** The time to seek to for a frame: its middle, which no rounding carries to its neighbour. */
export function timeOfFrame(frame: number, fps: number): number {
  return (frame + 0.5) / fps;
}

/** The frame that begins at a media time. */
export function frameAtTime(seconds: number, fps: number, frames: number): number {
  return Math.min(Math.max(Math.round(seconds * fps), 0), Math.max(frames - 1, 0));
}
