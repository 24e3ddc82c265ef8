import { Dialog } from "./dialog";

/** What keys do, by the page they do it on. */
const KEYS: readonly [where: string, keys: readonly [key: string, does: string][]][] = [
  [
    "Everywhere",
    [
      ["?", "show or hide this"],
      ["/", "go to the search or filter of the page"],
      ["Esc", "close a window or menu"],
    ],
  ],
  [
    "Runs",
    [
      ["j  k", "next, previous run"],
      ["x", "select the run, or let go of it"],
      ["Enter", "open the run"],
      ["/  x", "search and x axis of the charts beside, while these have the focus"],
    ],
  ],
  [
    "Charts",
    [
      ["x", "next x axis"],
      ["s", "more smoothing, then none"],
      ["Space", "pause, go on"],
      ["←  →  ↑  ↓", "points of the chart that has the focus, other lines"],
      ["Enter", "tell of the point"],
      ["Shift", "exact steps, times and values at the pointer"],
    ],
  ],
  ["Comparison of runs", [["Space", "pause, go on"]]],
  [
    "Environments, episodes, delivery",
    [
      ["Space", "pause, go on"],
      ["←  →  ↑  ↓", "cells of the map, bars of the distribution; with Shift several"],
      ["Enter", "choose them"],
    ],
  ],
  [
    "Episode",
    [
      ["[  ]", "one env step back, forth"],
      ["Space", "play the video, pause it"],
    ],
  ],
];

/** What keys do, in a window. */
export function KeyWindow({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <KeyTable />
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </Dialog>
  );
}

function KeyTable() {
  return (
    <table class="keys">
      {KEYS.map(([where, keys]) => (
        <tbody key={where}>
          <tr>
            <th scope="rowgroup" colSpan={2}>
              {where}
            </th>
          </tr>
          {keys.map(([key, does]) => (
            <tr key={key}>
              <td>
                {key.split("  ").map((one) => (
                  <kbd key={one}>{one}</kbd>
                ))}
              </td>
              <td>{does}</td>
            </tr>
          ))}
        </tbody>
      ))}
    </table>
  );
}
