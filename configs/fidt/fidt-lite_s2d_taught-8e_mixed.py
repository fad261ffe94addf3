# fidt_lite from scratch, taught by a larger network on streets, classrooms and rendered crowds: half of every target is
# the teacher's map. To compare: fidt-lite_s2d_8e_mixed.py, the same without a teacher.
_base_ = './fidt-lite_s2d_8e_mixed.py'

model = dict(
    type='mmcrowd.TaughtLocalizer',
    teacher_config='configs/fidt/counted-fidt_efficientnet-lite0_s2d_32e-mixed-5e_mixed.py',
    teacher_ckpt='mmcrowd/zoo/crowd_count_lite-3216a54e.safetensors',
    share=0.5,
)
