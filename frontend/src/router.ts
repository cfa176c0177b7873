import { createRouter, createWebHistory } from 'vue-router'
import OverviewView from './views/OverviewView.vue'

const PRODUCT = 'Healthcare Shift Left'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', component: OverviewView, meta: { title: 'Overview' } },
    { path: '/prescriptions', component: () => import('./views/PrescriptionsView.vue'), meta: { title: 'Prescriptions' } },
    { path: '/telemetry', component: () => import('./views/TelemetryView.vue'), meta: { title: 'Telemetry' } },
    { path: '/:path(.*)*', component: () => import('./views/NotFoundView.vue'), meta: { title: 'Page not found' } },
  ],
  scrollBehavior: (_to, _from, kept) => kept ?? { top: 0 },
})

router.afterEach((to) => {
  document.title = `${String(to.meta.title)} · ${PRODUCT}`
})
