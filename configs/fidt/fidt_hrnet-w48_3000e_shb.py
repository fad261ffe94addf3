# FIDTM's published recipe on ShanghaiTech B.
_base_ = './fidt_hrnet-w48_3000e_sha.py'
train_dataloader = dict(dataset=dict(part='B'))
val_dataloader = dict(dataset=dict(part='B'))
test_dataloader = dict(dataset=dict(part='B'))
