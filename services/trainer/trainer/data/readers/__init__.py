"""Readers of the public sets, one file a set, each in the set's official format. All give `Sample`s."""
from .activitynet import read_activitynet
from .charades_sta import read_charades_sta
from .conversations import read_conversations
from .didemo import read_didemo
from .got10k import read_got10k
from .lasot import read_lasot
from .mevis import read_mevis
from .mvbench import read_mvbench
from .next_gqa import read_next_gqa
from .qvhighlights import read_qvhighlights
from .ref_youtube_vos import read_ref_youtube_vos
from .refcoco import read_refcoco
from .sa_v import read_sa_v
from .sample import DataError, Media, Sample, Seen
from .visual_genome import read_visual_genome

__all__ = [
    'DataError', 'Media', 'Sample', 'Seen', 'read_activitynet', 'read_charades_sta', 'read_conversations', 'read_didemo', 'read_got10k', 'read_lasot', 'read_mevis',
    'read_mvbench', 'read_next_gqa', 'read_qvhighlights', 'read_ref_youtube_vos', 'read_refcoco', 'read_sa_v', 'read_visual_genome',
]
