"""Families of timm's networks: the smallest of each, and what is not as everywhere in it."""

from dataclasses import dataclass

_NAMES = """
    test_convnext test_efficientnet test_vit test_nfnet test_mambaout test_byobnet test_resnet
    starnet_s050 test_coatnet test_vit_relpos dla46x_c edgenext_xx_small mobilenetv3_small_050
    ese_vovnet19b_slim_dw repghostnet_050 efficientvit_m0 ghostnet_050 regnetx_002 cspnext_tiny
    iformer_t xcit_nano_12_p8_224 cs3darknet_focus_s efficientvit_b0 swiftformer_xs
    efficientformerv2_s0 pvt_v2_b0 fasternet_t0 fastvit_t8 lcnetv2_small inception_next_atto
    rexnet_100 pit_ti_224 repvit_m1 vit_tiny_patch16_dinov3_qkvb coat_tiny convit_tiny
    gmlp_ti16_224 deit_tiny_distilled_patch16_224 hgnetv2_b0 shvit_s1 cpubone_nano efficientvim_m1
    crossvit_tiny_240 levit_128s densenet121 dpn48b visformer_tiny csatv2 resnetv2_18
    legacy_seresnet18 poolformerv2_s12 cait_xxs24_224 gcvit_xxtiny tiny_vit_5m_224
    efficientformer_l1 hrnet_w18_small lowformer_b0 nest_tiny convmixer_768_32 legacy_xception
    tnt_s_legacy_patch16_224 inception_v3 rdnet_tiny twins_svt_small mvitv2_tiny levit_256d
    volo_d1_224 sam2_hiera_tiny xception41p sequencer2d_s hiera_tiny_224
    swin_tiny_patch4_window7_224 swinv2_cr_tiny_224 swinv2_tiny_window8_256 davit_tiny
    focalnet_tiny_srf selecsls42 tresnet_m nextvit_small
"""
FAMILIES = tuple(_NAMES.split())

SIDES = {"efficientformer_l1": 224, "inception_v3": 128}
"""Sides of images where 64 pixels are too few."""

FLOPS_ERROR = {"csatv2": 2e-4}
"""Shares by which FLOPs are off: a product that costs by the square of the batch, not by image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptions:
    """What is not as everywhere in a network.

    Attributes:
        entire: stages behind which it cannot be resumed.
        entire_why: the reason.
        head_why: why its head is not one linear layer; empty where it is.
        unmoved: parameters on which the logits do not depend.
    """

    entire: tuple[str, ...] = ()
    entire_why: str = ""
    head_why: str = ""
    unmoved: tuple[str, ...] = ()


_TWO_HEADS = "two heads, whose logits are averaged"
_ONE_OF_TWO = "the second head would need its input, too"
_NORMALISED = "a normalisation goes with it"
_CONVOLUTION = "a convolution"
_SCALES = "branches of several scales go on side by side"

EXCEPTIONS = {
    "coat_tiny": Exceptions(entire=("stage1", "stage2", "stage3", "stage4"), entire_why=_SCALES),
    "crossvit_tiny_240": Exceptions(
        entire=("stem", "stage1", "stage2"), entire_why=_SCALES, head_why=_TWO_HEADS
    ),
    "deit_tiny_distilled_patch16_224": Exceptions(
        entire=("stage5",), entire_why=_ONE_OF_TWO, head_why=_TWO_HEADS
    ),
    "dla46x_c": Exceptions(head_why=_CONVOLUTION),
    "dpn48b": Exceptions(head_why=_CONVOLUTION),
    "efficientformer_l1": Exceptions(
        entire=("stage3",), entire_why=_ONE_OF_TWO, head_why=_TWO_HEADS
    ),
    "efficientformerv2_s0": Exceptions(
        entire=("stage3",), entire_why=_ONE_OF_TWO, head_why=_TWO_HEADS
    ),
    "efficientvim_m1": Exceptions(
        entire=("stem", "stage1", "stage2"),
        entire_why="heads sit at several stages",
        head_why="four heads, whose logits are weighted",
    ),
    "hrnet_w18_small": Exceptions(entire=("stem", "stage1"), entire_why=_SCALES),
    "legacy_xception": Exceptions(
        entire=("stage1", "stage2", "stage3"),
        entire_why="feature maps lie inside blocks, which add their input",
    ),
    "levit_128s": Exceptions(entire=("stage2",), entire_why=_ONE_OF_TWO, head_why=_TWO_HEADS),
    "levit_256d": Exceptions(head_why=_NORMALISED),
    "pit_ti_224": Exceptions(
        entire=("stem", "stage1"), entire_why="a class token goes on beside the image"
    ),
    "repvit_m1": Exceptions(head_why=_NORMALISED),
    "resnetv2_18": Exceptions(head_why=_CONVOLUTION),
    "swiftformer_xs": Exceptions(entire=("stage3",), entire_why=_ONE_OF_TWO, head_why=_TWO_HEADS),
    "tnt_s_legacy_patch16_224": Exceptions(
        entire=("stem", "stage1", "stage2", "stage3", "stage4"),
        entire_why="pixels go on beside patches",
    ),
    "volo_d1_224": Exceptions(
        entire=("stage3",),
        entire_why="logits of single patches are added",
        head_why="two heads, for the image and for its patches",
    ),
    "xception41p": Exceptions(
        entire=("stem", "stage1", "stage2", "stage3"),
        entire_why="feature maps lie inside blocks, which add their input",
    ),
}


def table() -> str:
    """The exceptions as a table of docs/networks.md."""
    rows = ["| network | not resumed behind | because | head |", "| --- | --- | --- | --- |"]
    for name, found in EXCEPTIONS.items():
        behind = ", ".join(found.entire) or "-"
        rows.append(
            f"| `{name}` | {behind} | {found.entire_why or '-'} | {found.head_why or '-'} |"
        )
    return "\n".join(rows)


_CLASSES = """
    beit_base_patch16_224 eca_botnext26ts_256 regnetz_b16_evos cait_xxs24_224 coat_tiny
    convit_tiny convmixer_768_32 test_convnext3 cpubone_nano crossvit_tiny_240 csatv2 cs3darknet_s
    cspnext_tiny davit_tiny deepseek_vit_412m deepseek_vit_412m_enc deit3_small_patch16_224
    deit_tiny_distilled_patch16_224 densenet121 dla46x_c dpn48b edgenext_xx_small
    efficientformer_l1 efficientformerv2_s0 test_efficientnet_gn efficientvim_m1
    efficientvim_m1_dist efficientvit_b0 efficientvit_l1 efficientvit_m0 eva02_tiny_patch14_224
    fasternet_t0 fastvit_t8 focalnet_tiny_lrf gcvit_xxtiny gemma4_vit_167m gemma4_vit_167m_enc
    ghostnet_050 hardcorenas_b hgnetv2_b0 hiera_tiny_224 sam2_hiera_tiny hrnet_w18_small iformer_t
    inception_next_atto inception_resnet_v2 inception_v3 inception_v4 lcnetv2_small levit_128
    levit_conv_512_s8 lowformer_b0 test_mambaout coatnet_0_224 poolformerv2_s12 gmlp_ti16_224
    tf_mobilenetv3_small_075 mobilenetv5_base mobilenetv5_300m_enc mobilevit_xxs mvitv2_tiny
    naflexvit_base_patch16_gap nasnetalarge nest_tiny nextvit_small nf_ecaresnet50 pit_ti_224
    pnasnet5large pvt_v2_b0 qwen3_vit_88m qwen3_vit_88m_enc rdnet_tiny regnety_008 repghostnet_050
    repvit_m1 res2next50 resnest14d test_resnet resnetv2_18 rexnet_100 selecsls42
    legacy_seresnet18 sequencer2d_s shvit_s1 skresnet18 starnet_s050 swiftformer_xs
    swin_tiny_patch4_window7_224 swinv2_tiny_window8_256 swinv2_cr_tiny_384 tiny_vit_5m_224
    tnt_s_legacy_patch16_224 tresnet_m twins_svt_small vgg11 visformer_tiny
    vit_xsmall_patch16_clip_224 vit_tiny_r_s16_p8_224 test_vit_relpos samvit_base_patch16_224
    vitamin_base_224 volo_d1_224 ese_vovnet19b_slim_dw legacy_xception xception41p
    xcit_nano_12_p8_224
"""
CLASSES = tuple(_CLASSES.split())
"""The smallest network found of each class of timm's networks."""
