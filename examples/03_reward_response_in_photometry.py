"""Response of a photometry recording to its reward cues, with a figure.

python examples/03_reward_response_in_photometry.py ../shared/data/nac_dlight_m53.ppd responses

The response begins before the pulses of this recording's digital line, so 0 in the figure is half a
second before each pulse. That the cue came then is an assumption: nothing in the file says so. From
the pulses themselves the peak is at 0.4 s.
"""

import sys

from matplotlib.figure import Figure

import accumbens
from accumbens.figures import draw_event_response, event_response_data, save_figure

recording = accumbens.io.read_recording(sys.argv[1])
config = accumbens.neural.PreprocessConfig(low_pass=10.0, scale="dff")
channel = accumbens.run.process_channel(recording, "analog_1", "analog_2", config)
for fact, value in channel.quality.items():
    print(f"{fact}: {value}")

cues = recording.events["digital_1"] - 0.5
aligned = accumbens.neural.align_trace(
    channel.result.trace, cues, (-2.0, 4.0), baseline=(-1.0, 0.0)
)
caption = (
    "dLight in nucleus accumbens of one mouse, TdTomato as control; less the mean of the second "
    "before the cue, which is taken to come 0.5 s before each pulse."
)
data = event_response_data(aligned, "reward cue", caption=caption)
peak = data.rows.loc[data.rows["mean"].idxmax()]
print(f"\n{len(cues)} cues; mean response peaks at {peak['time']:.2f} s: {peak['mean']:.2f} % dF/F")
figure = Figure()
draw_event_response(data, figure)
print(save_figure(figure, f"{sys.argv[2]}/event_response", data))
