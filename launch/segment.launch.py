"""Start the segmentation node on one camera or several (--show-args lists the arguments)."""

import os
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

SHARE = FindPackageShare('stdc_seg_ros')
OLD_FAST_DDS = ('humble', 'iron', 'jazzy')  # have Fast DDS 2
ARGUMENTS = (
    DeclareLaunchArgument(
        'image',
        default_value='/camera/image_raw',
        description='Topic of the images; with several cameras one for each, comma-separated. '
        'camera_info is read beside it.',
    ),
    DeclareLaunchArgument(
        'cameras',
        default_value='',
        description='Names of several cameras, comma-separated, e.g. front,rear: the masks of '
        'the first image topic are ~/front/mask. Empty: as params_file says.',
    ),
    DeclareLaunchArgument(
        'model',
        default_value='',
        description='Model file (*.onnx). Empty: as params_file says.',
    ),
    DeclareLaunchArgument(
        'backend',
        default_value='',
        description='auto, openvino, onnxruntime or torch. Empty: as params_file says.',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=PathJoinSubstitution([SHARE, 'config', 'segment.yaml']),
        description='YAML file of the parameters.',
    ),
    DeclareLaunchArgument(
        'transport_profile',
        default_value='',
        description='XML file of Fast DDS profiles, for what the node publishes. Empty: the one '
        "that the environment names, else the package's, with shared memory.",
    ),
    DeclareLaunchArgument('namespace', default_value='', description='Namespace of the node.'),
    DeclareLaunchArgument(
        'name', default_value='segmentation_node', description='Name of the node.'
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=['true', 'false'],
        description='Take the time from /clock, as in a replay.',
    ),
    DeclareLaunchArgument(
        'autostart',
        default_value='true',
        choices=['true', 'false'],
        description='Configure and activate; false leaves that to a lifecycle manager.',
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        choices=['debug', 'info', 'warn', 'error', 'fatal'],
        description='What the node logs at least.',
    ),
    DeclareLaunchArgument(
        'respawn',
        default_value='false',
        choices=['true', 'false'],
        description='Start the node again, 2 s after it ended by itself, e.g. by its watchdog.',
    ),
    DeclareLaunchArgument(
        'rviz',
        default_value='false',
        choices=['true', 'false'],
        description='Show image, overlay, masks and detail of one camera in rviz2.',
    ),
)


def make_node(context: LaunchContext) -> list[Node]:
    """Make the node; what is given here goes before what is in the file."""

    def given(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    def words(name: str) -> list[str]:
        return [word.strip() for word in given(name).split(',') if word.strip()]

    topics, cameras = words('image'), words('cameras')
    if len(topics) != max(len(cameras), 1):
        raise ValueError(
            f'image:={given("image")} has {len(topics)} topics, expected {max(len(cameras), 1)}: '
            'one for each of the cameras'
        )
    parameters = {name: given(name) for name in ('model', 'backend') if given(name)}
    switches = {name: given(name) == 'true' for name in ('use_sim_time', 'autostart')}
    environment = {}
    if profile := given('transport_profile'):
        if not Path(profile).is_file():
            raise ValueError(
                f'transport_profile:={profile} is no file, expected XML with profiles of Fast DDS'
            )
        prefix = 'FASTRTPS' if os.environ.get('ROS_DISTRO') in OLD_FAST_DDS else 'FASTDDS'
        environment[f'{prefix}_DEFAULT_PROFILES_FILE'] = str(Path(profile).absolute())
    inputs = [f'{camera}/image' for camera in cameras] or ['image']
    return [
        Node(
            package='stdc_seg_ros',
            executable='segmentation_node',
            name=LaunchConfiguration('name'),
            namespace=LaunchConfiguration('namespace'),
            parameters=[
                LaunchConfiguration('params_file'),
                {**parameters, **switches, **({'cameras': cameras} if cameras else {})},
            ],
            remappings=list(zip(inputs, topics, strict=True)),
            additional_env=environment,
            arguments=['--ros-args', '--log-level', LaunchConfiguration('log_level')],
            respawn=given('respawn') == 'true',
            respawn_delay=2.0,
            output='screen',
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    rviz = Node(
        package='rviz2',
        executable='rviz2',
        arguments=['-d', PathJoinSubstitution([SHARE, 'config', 'segment.rviz'])],
        remappings=[('/camera/image_raw', LaunchConfiguration('image'))],
        condition=IfCondition(LaunchConfiguration('rviz')),
    )
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=make_node), rviz])
