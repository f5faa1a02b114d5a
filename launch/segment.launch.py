"""Start the segmentation node on one camera (--show-args lists the arguments)."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

PARAMETERS = PathJoinSubstitution([FindPackageShare('stdc_seg_ros'), 'config', 'segment.yaml'])
ARGUMENTS = (
    DeclareLaunchArgument(
        'image',
        default_value='/camera/image_raw',
        description='Topic of the images; camera_info is read beside it.',
    ),
    DeclareLaunchArgument(
        'model',
        default_value='',
        description='Model file (*.onnx). Empty: as params_file says.',
    ),
    DeclareLaunchArgument(
        'params_file', default_value=PARAMETERS, description='YAML file of the parameters.'
    ),
    DeclareLaunchArgument('namespace', default_value='', description='Namespace of the node.'),
    DeclareLaunchArgument(
        'name', default_value='segmentation_node', description='Name of the node.'
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        choices=['debug', 'info', 'warn', 'error', 'fatal'],
        description='What the node logs at least.',
    ),
)


def make_node(context: LaunchContext) -> list[Node]:
    """Make the node; a model given here goes before the one in the file."""
    model = LaunchConfiguration('model').perform(context)
    return [
        Node(
            package='stdc_seg_ros',
            executable='segmentation_node',
            name=LaunchConfiguration('name'),
            namespace=LaunchConfiguration('namespace'),
            parameters=[
                LaunchConfiguration('params_file'),
                *([{'model': model}] if model else []),
            ],
            remappings=[('image', LaunchConfiguration('image'))],
            arguments=['--ros-args', '--log-level', LaunchConfiguration('log_level')],
            output='screen',
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=make_node)])
