# Dense streets, classrooms, rendered crowds and rendered places without people: 2,400 crops an epoch, two thirds of
# them of ShanghaiTech part A, whose validation and test images judge. A config puts the three into one, see
# fidt/fidt_efficientnet-lite0_s2d_32e_mixed.py.
_base_ = './shanghaitech_a.py'

streets = dict(**_base_.data, split='train', subset='train', val_split=0.1)
classrooms = dict(
    type='mmcrowd.SCUTHead', data_root='data/scut_head/', part='A', split='trainval', subset='train', val_split=0.1
)
rendered = dict(
    type='mmcrowd.SyntheticCrowd',
    length=240,
    size=(384, 320),
    heads=(5, 250),
    min_head=5,
    max_head=40,
    negative_fraction=0.4,
    seed=1,
)
load_rendered = [dict(type='mmcrowd.LoadSynthetic'), dict(type='mmcrowd.LoadHeads')]
# Heads of classrooms are three times as large as those of streets.
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.7, 1.4))
classroom_crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.35, 1.2))
