"""Which options of a command a family of models heeds. One that is given and would be passed over is refused: it would change nothing, and nobody would be told."""
import typer

FAMILIES = ('small', 'llava-onevision', 'videochat')   # by how their configurations begin; every other one is nano's
LANGUAGE_MODELS = ('small', 'llava-onevision')

# Options that not every family heeds → those that do.
TRAIN = {'features': ('nano', 'small'), 'start': ('nano', 'llava-onevision', 'videochat'), 'evaluate': ('nano',), 'minutes': ('nano', 'small'), 'precision': ('nano', 'small')}
EXPORT = {
    'region': ('nano', *LANGUAGE_MODELS), 'mask': ('nano', *LANGUAGE_MODELS), 'moment': ('nano', *LANGUAGE_MODELS), 'absent': ('nano',),
    'start': ('llava-onevision', 'videochat'), 'precision': FAMILIES, 'masks': ('videochat',),
}


def refuse_unheeded(context: typer.Context, heeded: dict[str, tuple[str, ...]], config: str) -> None:
    family = family_of(config)
    for option, families in heeded.items():
        source = context.get_parameter_source(option)
        if family not in families and source is not None and source.name == 'COMMANDLINE':
            raise typer.BadParameter(f'`{context.info_name}` heeds it for {", ".join(families)} only, not for {config}; leave it out.', param_hint=f'--{option}')


def family_of(config: str) -> str:
    return next((family for family in FAMILIES if config.startswith(family)), 'nano')
