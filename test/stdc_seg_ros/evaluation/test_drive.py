"""What is said of a bag before it is evaluated."""

from stdc_core.labels import CAMVID
from stdc_seg_ros.evaluation.drive import DriveChoice, open_drive


def test_fewer_images_than_the_metadata_promises_are_said(bag):
    assert open_drive(DriveChoice(bag), CAMVID).notes == ()
    metadata = bag / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('message_count: 6', 'message_count: 8'))
    drive = open_drive(DriveChoice(bag), CAMVID)
    assert len(drive.stamps) == 6
    assert drive.notes == ('The bag has 6 images of the 8 that its metadata promises.',)
