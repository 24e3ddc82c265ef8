import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useKeys } from "../keys";
import { formatCount } from "../lib/format";
import {
  frameAtTime,
  frameOfPart,
  framesOf,
  partOfFrame,
  timeOfFrame,
  type VideoPart,
} from "../lib/frames";
import { useStepKeys } from "./step_keys";

interface Props {
  /** The parts of an episode's video, in order. */
  parts: readonly VideoPart[];
  /** The env step that is looked at: frame n of the video shows env step n. */
  playhead: Signal<number | null>;
}

/**
 * The video of an episode. The frame that is shown moves the playhead, and a playhead
 * that was moved elsewhere seeks the video. Space plays, [ and ] step a frame.
 */
export function Player({ parts, playhead }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const part = useSignal(0);
  const failure = useSignal<string | null>(null);
  /** The frame that the video shows or seeks to: a playhead there is not news. */
  const shown = useRef<number | null>(null);

  useEffect(() => followFrames(video.current, parts, part, shown, playhead), [parts]);
  useSignalEffect(() => {
    const step = playhead.value;
    if (step !== null && step !== shown.current) seek(video.current, parts, part, shown, step);
  });
  useKeys({
    " ": () => (video.current?.paused ? void video.current.play() : video.current?.pause()),
  });
  useStepKeys(playhead, framesOf(parts) - 1, () => video.current?.pause());

  const now = parts[part.value];
  if (!now) return null;
  return (
    <figure class="player">
      <video
        ref={video}
        src={now.url}
        controls
        muted
        playsInline
        preload="auto"
        onLoadedMetadata={() => {
          const at = shown.current;
          if (at !== null && at > 0) seek(video.current, parts, part, shown, at);
        }}
        onEnded={() => {
          if (part.value + 1 >= parts.length) return;
          shown.current = frameOfPart(parts, { part: part.value + 1, frame: 0 });
          part.value++;
          video.current?.addEventListener("canplay", () => void video.current?.play(), {
            once: true,
          });
        }}
        onError={() => {
          failure.value = video.current?.error?.message || "the file cannot be played";
        }}
      />
      <figcaption>
        {failure.value !== null && (
          <span class="failed" role="alert">
            The video did not load: {failure.value}
          </span>
        )}
        <span data-frame={playhead.value ?? 0}>
          env step {formatCount(playhead.value ?? 0)} of 0 to {formatCount(framesOf(parts) - 1)}
        </span>
        <span class="faint">space plays, [ and ] step a frame</span>
      </figcaption>
    </figure>
  );
}

/** Tells the playhead of every frame that is shown: while it plays, and after it was seeked. */
function followFrames(
  video: HTMLVideoElement | null,
  parts: readonly VideoPart[],
  part: Signal<number>,
  shown: { current: number | null },
  playhead: Signal<number | null>,
): () => void {
  if (!video) return () => {};
  const tell = (frame: number) => {
    shown.current = frameOfPart(parts, { part: part.peek(), frame });
    playhead.value = shown.current;
  };
  let handle = 0;
  const presented = (_: number, { mediaTime }: VideoFrameCallbackMetadata) => {
    handle = video.requestVideoFrameCallback(presented);
    const of = parts[part.peek()];
    if (of && !video.seeking && !video.paused) tell(frameAtTime(mediaTime, of.fps, of.frames));
  };
  const seeked = () => {
    const of = parts[part.peek()];
    if (of) tell(Math.min(Math.floor(video.currentTime * of.fps + 1e-6), of.frames - 1));
  };
  handle = video.requestVideoFrameCallback(presented);
  video.addEventListener("seeked", seeked);
  return () => {
    video.cancelVideoFrameCallback(handle);
    video.removeEventListener("seeked", seeked);
  };
}

/** Shows a frame; one of another part once that is loaded. */
function seek(
  video: HTMLVideoElement | null,
  parts: readonly VideoPart[],
  part: Signal<number>,
  shown: { current: number | null },
  step: number,
): void {
  const to = partOfFrame(parts, step);
  const fps = parts[to.part]?.fps;
  shown.current = frameOfPart(parts, to);
  if (!video || fps === undefined) return;
  if (to.part !== part.peek()) part.value = to.part;
  else video.currentTime = timeOfFrame(to.frame, fps);
}
