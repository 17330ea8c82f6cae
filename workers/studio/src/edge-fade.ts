/** Says on a list that scrolls where there is more of it (`data-more="right down"`), for the style to fade that edge; keeps what has the focus in view. */
export function fadeEdges(list: HTMLElement): void {
  const look = () => {
    const { scrollLeft, scrollTop, scrollWidth, scrollHeight, clientWidth, clientHeight } = list
    const more = [
      scrollLeft > 1 && 'left',
      scrollLeft + clientWidth < scrollWidth - 1 && 'right',
      scrollTop > 1 && 'up',
      scrollTop + clientHeight < scrollHeight - 1 && 'down',
    ]
    list.dataset.more = more.filter(Boolean).join(' ')
  }
  list.addEventListener('scroll', look, { passive: true })
  list.addEventListener('focusin', ({ target }) => target instanceof HTMLElement && target.scrollIntoView({ block: 'nearest', inline: 'nearest' }))
  new ResizeObserver(look).observe(list)
  new MutationObserver(look).observe(list, { childList: true })
}
