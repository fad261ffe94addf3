_base_ = './adam_poly_600e.py'

max_epochs = 1000
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, end=max_epochs, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=max_epochs)
