# RAZ-Net's AP and AR, with all peaks ranked, down to a score of 0.05. Its counts are not those of the network: test
# them with raz-net_vgg16_sha.py.
_base_ = './raz-net_vgg16_sha.py'

cross_codec = dict(threshold=0.05)
model = dict(bbox_head=dict(codec=cross_codec), zoom_net=dict(bbox_head=dict(codec=cross_codec)))
test_evaluator = [dict(type='mmcrowd.RankedPointMetric')]
