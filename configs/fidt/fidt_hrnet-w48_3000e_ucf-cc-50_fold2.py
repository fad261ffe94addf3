_base_ = './fidt_hrnet-w48_3000e_ucf-cc-50_fold0.py'
train_dataloader = dict(dataset=dict(fold=2))
val_dataloader = dict(dataset=dict(fold=2))
test_dataloader = dict(dataset=dict(fold=2))
