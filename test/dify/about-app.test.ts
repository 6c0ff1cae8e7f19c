import { describe, expect, it } from 'vitest';
import { answers, replays } from './answering.ts';
import { canary, client, sendJson, serve } from './fake-server.ts';

const site = {
  title: 'Shop',
  chat_color_theme: '#fff',
  chat_color_theme_inverted: true,
  icon_type: 'emoji',
  icon: '🤖',
  icon_background: '#FFEAD5',
  icon_url: null,
  description: '',
  copyright: null,
  privacy_policy: null,
  custom_disclaimer: '',
  default_language: 'en-US',
  show_workflow_steps: true,
  use_icon_as_answer_icon: false,
};

describe('what is known of an app', () => {
  it('has the icons of its tools, as recorded', async () => {
    await using server = await replays('agent/11-meta');
    await using dify = client(server.baseUrl);
    const { toolIcons } = await dify.one.meta();
    expect(toolIcons.map(({ tool }) => tool)).toEqual(['current_time', 'echo', 'picture', 'fail']);
    expect(toolIcons[0]).toEqual({
      tool: 'current_time',
      url: expect.stringMatching(/^http.*\/icon$/),
      emoji: null,
      background: null,
    });
  });

  it('has emoji for icons, or none', async () => {
    const tool_icons = { a: { background: '#eee', content: '🧮' }, b: null };
    await using server = await answers([200, { tool_icons }]);
    await using dify = client(server.baseUrl);
    expect((await dify.one.meta()).toolIcons).toEqual([
      { tool: 'a', url: null, emoji: '🧮', background: '#eee' },
      { tool: 'b', url: null, emoji: null, background: null },
    ]);
  });

  it('has a site, where empty texts are none', async () => {
    await using server = await answers([200, site]);
    await using dify = client(server.baseUrl);
    expect(await dify.one.site()).toEqual({
      title: 'Shop',
      description: null,
      chatColorTheme: '#fff',
      chatColorThemeInverted: true,
      iconType: 'emoji',
      icon: '🤖',
      iconBackground: '#FFEAD5',
      iconUrl: null,
      copyright: null,
      privacyPolicy: null,
      customDisclaimer: null,
      inputPlaceholder: null,
      defaultLanguage: 'en-US',
      showWorkflowSteps: true,
      useIconAsAnswerIcon: false,
    });
  });

  it('may have no site', async () => {
    await using server = await answers([403, { code: 'forbidden', message: 'No site.', status: 403 }]);
    await using dify = client(server.baseUrl);
    await expect(dify.one.site()).rejects.toMatchObject({ difyStatus: 403, message: 'No site.' });
  });

  it('is asked once for each thing', async () => {
    await using server = await serve((exchange) => {
      const replies = { '/v1/site': site, '/v1/meta': { tool_icons: {} }, '/v1/info': { mode: 'chat' } };
      sendJson(exchange, 200, replies[exchange.request.url as keyof typeof replies] ?? {});
    });
    await using dify = client(server.baseUrl);
    const { one } = dify;
    for (let turn = 0; turn < 3; turn++) {
      await Promise.all([one.info(), one.info(), one.site(), one.meta(), one.parameters()]);
    }
    expect(server.requests.map(({ url }) => url).toSorted()).toEqual([
      '/v1/info',
      '/v1/meta',
      '/v1/parameters',
      '/v1/site',
    ]);
  });

  it('is asked each time who a user is', async () => {
    const endUser = {
      id: 'e',
      tenant_id: 't',
      app_id: null,
      type: 'service-api',
      external_user_id: 'u',
      name: null,
      is_anonymous: false,
      session_id: 'u',
      created_at: '2024-01-16T12:00:29Z',
      updated_at: '2024-01-16T14:00:29+02:00',
    };
    await using server = await answers(
      [200, endUser],
      [404, { code: 'end_user_not_found', message: 'No.', status: 404 }],
    );
    await using dify = client(server.baseUrl);
    expect(await dify.one.endUser('e')).toEqual({
      id: 'e',
      appId: null,
      type: 'service-api',
      externalUserId: 'u',
      sessionId: 'u',
      name: null,
      isAnonymous: false,
      createdAt: 1705406429,
      updatedAt: 1705406429,
    });
    await expect(dify.one.endUser('e')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is not taken from just any success', async () => {
    await using server = await answers([200, {}]);
    await using dify = client(server.baseUrl);
    const strange = { code: 'UPSTREAM_PROTOCOL' };
    await expect(dify.one.meta()).rejects.toMatchObject(strange);
    await expect(dify.one.site()).rejects.toMatchObject(strange);
    await expect(dify.one.info()).rejects.toMatchObject(strange);
    await expect(dify.one.endUser('e')).rejects.toMatchObject(strange);
  });
});

describe('the version of Dify', () => {
  const index = { welcome: 'Dify OpenAPI', api_version: 'v1', server_version: '1.16.0' };

  it('is asked for once', async () => {
    await using server = await answers([200, index]);
    await using dify = client(server.baseUrl);
    expect(await Promise.all([dify.one.version(), dify.one.version()])).toEqual(['1.16.0', '1.16.0']);
    expect(await dify.one.version()).toBe('1.16.0');
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({ method: 'GET', url: '/v1/' });
  });

  it('needs no question where a reply has told it', async () => {
    await using server = await serve((exchange) =>
      sendJson(exchange, 200, { mode: 'chat' }, { 'x-version': '1.12.1' }),
    );
    await using dify = client(server.baseUrl);
    await dify.one.info();
    expect(await dify.one.version()).toBe('1.12.1');
    expect(server.requests.map(({ url }) => url)).toEqual(['/v1/info']);
  });

  it('is told by refusals, too, and is that of the last reply', async () => {
    await using server = await serve((exchange) =>
      sendJson(exchange, 404, { code: 'not_found' }, { 'x-version': exchange.index === 0 ? '1.12.1' : '1.13.0' }),
    );
    await using dify = client(server.baseUrl);
    const ask = () => dify.one.deleteConversation({ user: 'u', conversationId: 'c' }).catch(() => {});
    await ask();
    expect(await dify.one.version()).toBe('1.12.1');
    await ask();
    expect(await dify.one.version()).toBe('1.13.0');
  });

  it('is null where nobody knows it', async () => {
    await using server = await serve(({ response }) =>
      response.writeHead(404, { 'x-version': 'of a proxy' }).end(`no ${canary}`),
    );
    await using dify = client(server.baseUrl);
    expect(await dify.one.version()).toBeNull();
    expect(await dify.one.version()).toBeNull();
    expect(server.requests).toHaveLength(1);
  });
});
