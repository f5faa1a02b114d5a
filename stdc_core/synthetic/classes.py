"""Class ids of the rendered street: CamVid's eleven."""

from stdc_core.labels import CAMVID

(
    SKY,
    BUILDING,
    POLE,
    ROAD,
    PAVEMENT,
    TREE,
    SIGN,
    FENCE,
    CAR,
    PEDESTRIAN,
    BICYCLIST,
) = range(len(CAMVID))
