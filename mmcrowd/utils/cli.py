"""The parts of a tool, for who has imported the package; they live in ``mmcrowd_tool``, which imports nothing heavy."""

from mmcrowd_tool import ConfigOptions, ToolParser, image_size, run_tool, user_message, whole_number

__all__ = ['ConfigOptions', 'ToolParser', 'image_size', 'run_tool', 'user_message', 'whole_number']
