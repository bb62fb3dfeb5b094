/** Ada, Ben and the others that every test knows. */
import { DeviceId, TenantId, UserId } from '../core/ids.ts';

export const [ada, ben, cleo] = [UserId.parse('usr_ada'), UserId.parse('usr_ben'), UserId.parse('usr_cleo')];
export const [demo, aurora] = [TenantId.parse('demo'), TenantId.parse('aurora')];
export const phone = DeviceId.parse('phone');
export const at = '2026-01-01T00:00:00.000Z';
