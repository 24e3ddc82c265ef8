"""Uploads a video of 48 frames to a server of its own: python record.py FOLDER.

Prints the server's address, which serves until stdin ends.
"""

import subprocess
import sys

import numpy as np

import metrana
from metrana.server import program

with subprocess.Popen(
    [program(), "serve", "--data-dir", f"{sys.argv[1]}/data", "--listen", "127.0.0.1:0"],
    stdout=subprocess.PIPE,
    text=True,
) as server:
    assert server.stdout is not None
    address = server.stdout.readline().split()[-1]
    with metrana.init(
        workspace_name="ws",
        project_name="p",
        run_name="r",
        ingestion_url=address,
        rendering_output_dir=sys.argv[1],
        rendering_fps=24,
        rendering_upload=True,
        error_strategy="raise_on_close",
    ) as run:
        for step in range(48):
            frame = np.zeros((120, 160, 3), np.uint8)
            frame[:, :80] = (200, 30, 30) if step < 24 else (30, 30, 200)
            frame[:, 80:] = (30, 200, 30)
            run.log_rendering(frame, rl_step=0, episode=7, env_id="env-0")
    print(address, flush=True)
    sys.stdin.read()
    server.terminate()
