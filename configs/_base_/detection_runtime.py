# As default_runtime.py; the checkpoint with the lowest counting error at its own best score threshold is kept.
_base_ = './default_runtime.py'

default_hooks = dict(checkpoint=dict(save_best='crowd/best_mae'))
